// RobustEffect is the twin of PairedEffect that a few wild blocks cannot move. Both are reported;
// where they contradict each other, outliers carry the result.
#pragma once

#include <span>

#include "stats/effect.h"

namespace labcoat {

// Hodges and Lehmann's median of all Walsh averages
// (x_i + x_j)/2, i <= j, with Wilcoxon's signed-rank test and its interval (Hodges and Lehmann,
// "Estimates of location based on rank tests", Annals of Mathematical Statistics 1963; Hollander
// and Wolfe, "Nonparametric Statistical Methods", chapter 3).
struct RobustEffect {
  size_t blocks = 0;
  double confidence = 0;  // asked for; the interval reaches at least this
  double log_median = 0;
  // (-inf, +inf) where so few blocks cannot reach the confidence: fewer than 6 at 95 %.
  Interval log_ci = {};
  // Two-sided; exact to 200 blocks (ties by mid-ranks, zeros left out), beyond that normal.
  double p_value = 1;

  double relative() const { return relative_of(log_median); }
  Interval relative_ci() const { return relative_of(log_ci); }
};
RobustEffect robust_effect(std::span<const double> log_ratios, double confidence = 0.95);

// True when the two twins contradict each other: an estimate lies outside the other's interval. A
// few outlying blocks then carry the result, and a report should say so and call it inconclusive.
bool outliers_decide(const PairedEffect& paired, const RobustEffect& robust);

}  // namespace labcoat
