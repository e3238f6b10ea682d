// What one edge thread has counted by route: answers by class of status, bytes, and two histograms.
// Written by its thread alone with plain stores, read by anybody (base/counter.h).
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/counter.h"

namespace labcoat::edge {

// Durations in buckets that never change, as Prometheus wants them.
class DurationBuckets {
 public:
  // The upper bounds, each included; what is longer is in one bucket more.
  static constexpr std::array<i64, 16> bounds_us = {
      100,    250,     500,     1'000,   2'500,     5'000,     10'000,    25'000,
      50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000};

  void record(i64 duration_us);
  u64 count(size_t bucket) const { return counts_[bucket].get(); }
  u64 sum_us() const { return sum_us_.get(); }
  void add(const DurationBuckets& other);

 private:
  std::array<Counter, bounds_us.size() + 1> counts_;
  Counter sum_us_;
};

struct RouteCounters {
  static constexpr size_t classes = 4;  // 2xx, 3xx, 4xx, 5xx
  std::array<Counter, classes> answers;
  Counter body_bytes;
  DurationBuckets duration;
  DurationBuckets queue_wait;  // of those that an app has answered
};

class RouteMetrics {
 public:
  // One row for each route, and one for what no route answered.
  explicit RouteMetrics(std::vector<std::string> names);
  // Goes on where the rows of the same names were.
  void go_on_from(const RouteMetrics& before);

  struct Answer {
    int route = -1;  // -1: none
    int status = 0;
    u64 body_bytes = 0;
    i64 total_us = 0;
    i64 queue_us = -1;  // -1: no app was asked
  };
  void count(const Answer& answer);

  size_t size() const { return rows_.size(); }
  const std::string& name(size_t index) const { return names_[index]; }
  // As Answer has it.
  int route_named(std::string_view name) const;
  const RouteCounters& row(size_t index) const { return rows_[index]; }

 private:
  std::vector<std::string> names_;
  std::vector<RouteCounters> rows_;
};

}  // namespace labcoat::edge
