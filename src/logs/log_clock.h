// LogClock: the time of a line and its text. The wall clock is read ten times a second and the text
// is made once a second; between, the monotonic clock tells, which was read for the request anyway.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace labcoat::logs {

// One edge thread's.
class LogClock {
 public:
  // Since the epoch, at `now_ns` of now_ns(). When somebody sets the wall clock, it is noticed
  // after 0.1 s.
  i64 wall_at(i64 now_ns);
  // As text, at `now_ns` of now_ns(), which never goes back: 22/Nov/2026:01:02:03 +0000
  std::string_view local(i64 now_ns) {
    if (now_ns >= local_until_ns_) make_local(now_ns);
    return {local_, local_bytes_};
  }
  std::string_view utc(i64 now_ns);  // 2026-11-22T01:02:03.456Z

 private:
  static constexpr i64 trusted_for_ns = 100 * ms;

  void make_local(i64 now_ns);

  i64 read_ns_ = -trusted_for_ns;
  i64 ahead_ns_ = 0;  // the wall clock, of the monotonic one
  i64 local_second_ = -1;
  i64 local_until_ns_ = 0;
  i64 utc_second_ = -1;
  char local_[40];
  size_t local_bytes_ = 0;
  char utc_[25];
};

}  // namespace labcoat::logs
