// Metric: what a study tries to improve, and what its guards watch; read off one arm's part of a
// block.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/histogram.h"
#include "base/result.h"

namespace labcoat {

// Latency of the answers of one arm in one block, microseconds from the planned send time.
struct LatencySummary {
  u64 count = 0;
  double mean = 0;
  double p50 = 0;
  double p90 = 0;
  double p95 = 0;
  double p99 = 0;

  static LatencySummary of(const Histogram& histogram);
  // Weighted means. A quantile of one block is one observation; their mean over blocks is what
  // "p99" means here.
  void merge(const LatencySummary& later);
};

// What one arm did in one block, or in one slice of it.
struct ArmSample {
  u64 ok = 0;            // answers with status 2xx or 3xx
  u64 errors = 0;        // all other answers, and requests without an answer
  i64 busy_ns = 0;       // time under load
  i64 cpu_ns = 0;        // CPU time of the server's processes while the block ran
  i64 memory_bytes = 0;  // of the server's processes at the end of the block; 0: not read
  LatencySummary latency;
  double generator_share = 0;      // CPU share of the generator's busiest thread
  std::optional<double> reported;  // of a workload command: what its own output said

  void merge(const ArmSample& later);
  double error_share() const;
};

struct Metric {
  enum class Kind { rps, p50, p90, p95, p99, mean, cpu_per_request, errors, memory };
  Kind kind = Kind::rps;
  const char* name = "rps";
  const char* unit = "";  // "1/s", "us", "bytes", "" (a share)
  bool more_is_better = true;
};

// The error lists the metrics there are.
Result<Metric> find_metric(std::string_view name);

// In the metric's unit. nullopt when the sample does not hold it (no answers, no CPU time seen).
std::optional<double> metric_value(const Metric& metric, const ArmSample& sample);

// "1234 /s", "12.3 ms", "0.12 %"; for people.
std::string format_metric(const Metric& metric, double value);

// A limit such as "p99<50ms" or "errors<0.1%" that a configuration must keep to be kept.
struct Guard {
  std::string text;
  Metric metric;
  enum class Relation { less, less_or_equal, more, more_or_equal, equal };
  Relation relation = Relation::less;
  double limit = 0;  // in the metric's unit
};
Result<Guard> parse_guard(std::string_view text);
// A sample without the metric holds every guard.
bool guard_holds(const Guard& guard, const ArmSample& sample);

}  // namespace labcoat
