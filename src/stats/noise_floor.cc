#include "stats/noise_floor.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "stats/distribution.h"
#include "stats/effect.h"

namespace labcoat {

NoiseFloor noise_floor(std::span<const double> log_ratios, double confidence) {
  CHECK(log_ratios.size() >= 2);
  const PairedEffect null = paired_effect(log_ratios, confidence);
  return {
      .blocks = null.blocks,
      .log_mean = null.log_mean,
      .log_sd = null.log_sd,
      .half_width = relative_of((null.log_ci.upper - null.log_ci.lower) / 2),
      .detectable = detectable_effect(null.log_sd, null.blocks, confidence),
      .biased = null.log_ci.lower > 0 || null.log_ci.upper < 0,
  };
}

double detectable_effect(double log_sd, size_t blocks, double confidence, double power) {
  CHECK(blocks >= 2);
  const double n = static_cast<double>(blocks);
  const double factor =
      student_t_quantile((1 + confidence) / 2, n - 1) + student_t_quantile(power, n - 1);
  return relative_of(factor * log_sd / std::sqrt(n));
}

double default_margin(const NoiseFloor& floor) {
  return std::max(margin_least, 2 * floor.half_width);
}

}  // namespace labcoat
