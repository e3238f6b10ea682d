#include "stats/effect.h"

#include <cmath>
#include <limits>

#include "base/check.h"
#include "stats/distribution.h"

namespace labcoat {

double relative_of(double log_ratio) {
  return std::expm1(log_ratio);
}
double log_ratio_of(double relative) {
  return std::log1p(relative);
}
Interval relative_of(Interval log_interval) {
  return {relative_of(log_interval.lower), relative_of(log_interval.upper)};
}

PairedEffect paired_effect(std::span<const double> log_ratios, double confidence) {
  CHECK(confidence > 0 && confidence < 1);
  constexpr double infinity = std::numeric_limits<double>::infinity();
  PairedEffect effect{
      .blocks = log_ratios.size(), .confidence = confidence, .log_ci = {-infinity, infinity}};
  const double n = static_cast<double>(log_ratios.size());
  for (const double x : log_ratios) {
    CHECK(std::isfinite(x));
    effect.log_mean += x / n;
  }
  if (log_ratios.size() < 2) return effect;

  double squares = 0;
  for (const double x : log_ratios) squares += (x - effect.log_mean) * (x - effect.log_mean);
  effect.log_sd = std::sqrt(squares / (n - 1));
  // The lower quantile mirrored: 1 - (1-confidence)/2 would lose the digits of a very strict look.
  const double t = -student_t_quantile((1 - confidence) / 2, n - 1);
  const double half_width = t * effect.log_sd / std::sqrt(n);
  effect.log_ci = {effect.log_mean - half_width, effect.log_mean + half_width};
  return effect;
}

}  // namespace labcoat
