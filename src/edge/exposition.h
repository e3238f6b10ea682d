// Exposition: metrics as text in the format of Prometheus, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace labcoat::edge {

struct Label {
  std::string_view name;
  std::string_view value;  // any bytes
};

class Exposition {
 public:
  enum class Kind { counter, gauge, histogram };

  // Begins a metric; its samples follow. `name` without "_total", which counters get.
  void metric(std::string_view name, Kind kind, std::string_view help);
  void sample(std::span<const Label> labels, u64 value);
  // Of a histogram: counts of the buckets, not cumulative, one more than bounds; all in us, shown
  // in seconds.
  void histogram(std::span<const Label> labels, std::span<const i64> bounds_us,
                 std::span<const u64> counts, u64 sum_us);

  std::string take() { return std::move(out_); }

 private:
  void line(std::string_view suffix, std::span<const Label> labels, std::string_view bound,
            std::string_view value);

  std::string out_;
  std::string name_;
};

}  // namespace labcoat::edge
