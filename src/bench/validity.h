// When a run may not be believed: the generator, not the server, set the numbers. docs/bench.md
// explains each rule to users and must say the same.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/generator.h"

namespace labcoat::bench {

// The generator's own lateness may be no more than a tenth of the median answer, and 1 ms is always
// allowed.
constexpr i64 lag_floor_ns = 1 * ms;
constexpr double lag_share_of_median = 0.1;
// Open loop: above this a thread has no room left for the bursts of a Poisson process.
constexpr double cpu_share_max_open = 0.8;
// Closed loop: it sends as fast as it is answered, so it is always busy; but a thread that never
// waits is the bottleneck.
constexpr double cpu_share_max_closed = 0.98;
constexpr double ceiling_share_max = 0.8;
// Open loop: share of the plan that may be sent late while a connection was free.
constexpr double late_share_max = 0.01;

// Sentences, each saying what was measured, what is allowed and what to do; empty when the run is
// valid. `ceiling_rps`: of measure_ceiling(), when it was measured.
std::vector<std::string> invalid_reasons(const LoadOptions& options, const SliceResult& result,
                                         std::optional<double> ceiling_rps);

}  // namespace labcoat::bench
