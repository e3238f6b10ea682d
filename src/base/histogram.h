// Histogram of durations with three significant digits from 1 us to 1 h: log-linear buckets, so
// that recording is one shift and one increment, and merging threads is adding arrays. The bucket
// layout is HdrHistogram's idea (http://hdrhistogram.org): powers of two, each divided into equal
// parts.
#pragma once

#include <vector>

#include "base/clock.h"

namespace labcoat {

// Values are nanoseconds. Not thread-safe: one per thread, merged afterwards.
class Histogram {
 public:
  static constexpr i64 value_min_ns = 1 * us;  // smaller values count as this
  static constexpr i64 value_max_ns =
      3600 * seconds;  // larger values count as this, and in `clamped`

  Histogram();

  void record(i64 ns, u64 times = 1);
  void merge(const Histogram& other);
  void clear();

  u64 count() const { return count_; }
  // Values above value_max_ns so far.
  u64 clamped() const { return clamped_; }
  // Exact, not from buckets. All are 0 while the histogram is empty.
  i64 min_ns() const { return count_ == 0 ? 0 : min_; }
  i64 max_ns() const { return max_; }
  double mean_ns() const;
  // The smallest recorded value such that a share `p` (0..1) of all values is at or below it, to
  // three digits.
  i64 quantile_ns(double p) const;

 private:
  std::vector<u64> counts_;
  u64 count_ = 0;
  u64 clamped_ = 0;
  i64 min_ = 0;
  i64 max_ = 0;
  double sum_ = 0;
};

}  // namespace labcoat
