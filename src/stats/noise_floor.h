// Noise floor: what a study can see at all, learnt from blocks in which both arms were the same
// (A/A). It is printed before the first question is asked, so that nobody reads a verdict finer
// than the instrument.
#pragma once

#include <cstddef>
#include <span>

namespace labcoat {

struct NoiseFloor {
  size_t blocks = 0;
  double log_mean = 0;    // should be near 0; see `biased`
  double log_sd = 0;      // between blocks
  double half_width = 0;  // relative; of the A/A interval at its confidence
  double detectable = 0;  // relative; see detectable_effect, for as many blocks as the A/A had
  bool biased = false;    // the A/A interval leaves out 0: the two arms are not treated alike (1 of
                          // 20 studies by chance)
};

// `log_ratios` of at least two A/A blocks.
NoiseFloor noise_floor(std::span<const double> log_ratios, double confidence = 0.95);

// The smallest true effect (relative) that `blocks` blocks will tell from zero in `power` of all
// studies, erring in 1-confidence: exp(factor sd/sqrt(blocks)) - 1. For many blocks the factor is
// the textbook's 1.96 + 0.84 = 2.8 (Cohen, "Statistical Power Analysis", 1988). Six A/A blocks know
// the spread itself only roughly, and 2.8 would promise too much; the factor is therefore the
// `power` quantile of the noncentral t distribution, A/A blocks - 1 degrees of freedom, with
// Student's t for `blocks` as its noncentrality (Julious and Owen, "Sample size calculations for
// clinical studies allowing for uncertainty about the variance", Pharmaceutical Statistics 2006).
// To be called better than a margin, an effect needs this much more than the margin. blocks >= 2.
double detectable_effect(const NoiseFloor& floor, size_t blocks, double confidence = 0.95,
                         double power = 0.80);

// The margin taken when the user named none: the larger of 3 % and twice the A/A half-width. At
// that margin two equal arms are found equivalent in most studies of as many blocks as the A/A had.
double default_margin(const NoiseFloor& floor);
constexpr double margin_least = 0.03;

}  // namespace labcoat
