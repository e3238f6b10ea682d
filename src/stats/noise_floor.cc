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
  NoiseFloor floor{
      .blocks = null.blocks,
      .log_mean = null.log_mean,
      .log_sd = null.log_sd,
      .half_width = relative_of((null.log_ci.upper - null.log_ci.lower) / 2),
      .biased = null.log_ci.lower > 0 || null.log_ci.upper < 0,
  };
  floor.detectable = detectable_effect(floor, floor.blocks, confidence);
  return floor;
}

double detectable_effect(const NoiseFloor& floor, size_t blocks, double confidence, double power) {
  CHECK(floor.blocks >= 2 && blocks >= 2);
  const double n = static_cast<double>(blocks);
  const double needed = student_t_quantile((1 + confidence) / 2, n - 1);
  const double factor = noncentral_t_quantile(power, static_cast<double>(floor.blocks - 1), needed);
  return relative_of(factor * floor.log_sd / std::sqrt(n));
}

double default_margin(const NoiseFloor& floor) {
  return std::max(margin_least, 2 * floor.half_width);
}

}  // namespace labcoat
