#include "stats/confidence_sequence.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace labcoat {

ConfidenceSequence::ConfidenceSequence(const Design& design) : design_(design) {
  CHECK(design.confidence > 0 && design.confidence < 1);
  CHECK(design.narrowest_at > 0);
  const double strictness = -2 * std::log(1 - design.confidence);
  rho_squared_ = (strictness + std::log1p(strictness)) / static_cast<double>(design.narrowest_at);
}

void ConfidenceSequence::add(double log_ratio) {
  CHECK(std::isfinite(log_ratio));
  ++blocks_;
  const double before = log_ratio - mean_;
  mean_ += before / static_cast<double>(blocks_);
  squares_ += before * (log_ratio - mean_);
}

double ConfidenceSequence::half_width() const {
  if (blocks_ < std::max<size_t>(2, design_.blocks_min)) {
    return std::numeric_limits<double>::infinity();
  }
  const double n = static_cast<double>(blocks_);
  const double variance = squares_ / (n - 1);
  const double grown = n * rho_squared_ + 1;
  const double log_part = std::log(std::sqrt(grown) / (1 - design_.confidence));
  return std::sqrt(variance * 2 * grown / (n * n * rho_squared_) * log_part);
}

PairedEffect ConfidenceSequence::effect() const {
  PairedEffect effect{.blocks = blocks_, .confidence = design_.confidence, .log_mean = mean_};
  if (blocks_ >= 2) effect.log_sd = std::sqrt(squares_ / static_cast<double>(blocks_ - 1));
  const double width = half_width();
  effect.log_ci = {mean_ - width, mean_ + width};
  return effect;
}

}  // namespace labcoat
