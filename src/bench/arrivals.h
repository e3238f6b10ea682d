// Arrivals is the plan of the open loop: when each request should be sent. It is drawn before
// anything is known of the server, so a slow server cannot slow it; a request that is sent late
// keeps its planned time.
#pragma once

#include "base/clock.h"
#include "bench/random.h"

namespace labcoat::bench {

// A Poisson process, drawn one gap at a time. Times are those of now_ns().
class Arrivals {
 public:
  // `rate` is requests per second; 0 plans nothing.
  Arrivals(double rate, u64 seed)
      : mean_gap_ns_(rate > 0 ? static_cast<double>(seconds) / rate : 0), random_(seed) {}

  // A new slice: arrivals from `start` on, none at or after `end`, at most `count_max`.
  void begin(i64 start, i64 end, u64 count_max) {
    end_ = end;
    left_ = mean_gap_ns_ > 0 ? count_max : 0;
    at_ = static_cast<double>(start);
    advance();
  }
  bool exhausted() const { return left_ == 0; }
  // Planned time of the next request; only while not exhausted.
  i64 next() const { return static_cast<i64>(at_); }
  bool due(i64 now) const { return left_ > 0 && next() <= now; }
  // Hands the next request out.
  i64 take() {
    const i64 planned = next();
    --left_;
    advance();
    return planned;
  }

 private:
  void advance() {
    if (left_ == 0) return;
    at_ += random_.exponential(mean_gap_ns_);
    if (next() >= end_) left_ = 0;
  }

  double mean_gap_ns_;
  Random random_;
  // Nanoseconds of the monotonic clock fit a double exactly for the first hundred days of uptime,
  // and to 2 ns after.
  double at_ = 0;
  i64 end_ = 0;
  u64 left_ = 0;
};

}  // namespace labcoat::bench
