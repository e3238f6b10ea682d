// Recent times: how long requests took in the last ten to twelve seconds, as percentiles. The edge
// counts them into log-linear histograms in the channel, so whoever maps it can read them, also
// when Python is stuck. No timer: a slice of time that has passed is simply not read any more.
#pragma once

#include "channel/channel.h"

namespace labcoat::channel {

// Buckets are a sixteenth wide and named by their middle: a percentile is off by 1/32 at most.
struct Percentiles {
  u64 count = 0;
  i64 p50_us = 0, p90_us = 0, p99_us = 0;  // while there is a count
};

struct RecentTimes {
  i64 window_ns = 0;
  Percentiles response, queue_wait;
};

// Counts one request in `slices` (Mapping::times of the calling edge thread). A negative wait is
// none.
void count_times(TimeSlice* slices, i64 now, i64 response_us, i64 queue_wait_us);

// Over all edge threads. What workers scribbled in there makes wrong numbers, and nothing else.
RecentTimes recent_times(const Mapping& mapping, i64 now);

}  // namespace labcoat::channel
