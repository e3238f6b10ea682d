// Effect: by how much arm B differs from arm A, judged from blocks. One block is one observation,
// the log-ratio ln(B/A) of what the two arms reached side by side. However many requests a block
// holds, they share its restart and its moment, so they are not independent evidence; the blocks
// are. On the log scale "twice" and "half" are equally far from "equal", and a product of effects
// is a sum. Results are shown as relative effects exp(x)-1: 0.12 is 12 % more.
#pragma once

#include <cstddef>
#include <span>

namespace labcoat {

struct Interval {
  double lower = 0;
  double upper = 0;
};

// exp(x)-1 and back: a log-ratio as a relative effect, 0.0953 <-> 0.10.
double relative_of(double log_ratio);
double log_ratio_of(double relative);
Interval relative_of(Interval log_interval);

struct PairedEffect {
  size_t blocks = 0;
  double confidence = 0;  // of log_ci, e.g. 0.95
  double log_mean = 0;
  double log_sd = 0;     // between blocks, n-1 in the denominator; 0 for fewer than two blocks
  Interval log_ci = {};  // (-inf, +inf) for fewer than two blocks

  double relative() const { return relative_of(log_mean); }
  Interval relative_ci() const { return relative_of(log_ci); }
};

// The mean log-ratio with Student's interval mean +- t(n-1) sd/sqrt(n) (Student, "The probable
// error of a mean", Biometrika 1908; for block designs of benchmarks Kalibera and Jones, "Rigorous
// benchmarking in reasonable time", ISMM 2013). Values must be finite (a block without a
// measurement is no block); 0 < confidence < 1; may be empty.
PairedEffect paired_effect(std::span<const double> log_ratios, double confidence = 0.95);

}  // namespace labcoat
