// ConfidenceSequence is for experiments without an end (two configurations of a live server side by
// side): an interval that may be read after every block for ever, and still misses the truth at any
// time in at most 5 % of all experiments. The price against an interval for one look is about 1.6
// times the width, so a study with a known budget uses SequentialTest. Asymptotic confidence
// sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory
// and asymptotic confidence sequences", Annals of Statistics 2024, theorem 2.2 and its choice of
// rho:
//   mean +- sd sqrt( 2 (n r^2 + 1)/(n^2 r^2) ln( sqrt(n r^2 + 1)/alpha ) ),  r = sqrt( (-2 ln alpha
//   + ln(1 - 2 ln alpha))/n0 )
#pragma once

#include <cstddef>

#include "stats/effect.h"

namespace labcoat {

class ConfidenceSequence {
 public:
  struct Design {
    double confidence = 0.95;
    size_t narrowest_at =
        100;  // blocks after which the interval is as narrow as such an interval can be
    size_t blocks_min =
        20;  // before these the interval is (-inf, +inf): the spread is not known well enough
  };

  explicit ConfidenceSequence(const Design& design);

  // One more block; finite.
  void add(double log_ratio);

  // The interval now, for any reading at any time.
  PairedEffect effect() const;

 private:
  double half_width() const;

  Design design_;
  double rho_squared_;
  size_t blocks_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // sum of squared deviations from the mean (Welford)
};

}  // namespace labcoat
