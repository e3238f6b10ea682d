// Random numbers of the load plan: the same seed gives the same mix and the same arrival times on
// every machine, which the standard library's distributions do not promise.
#pragma once

#include <cmath>

#include "base/clock.h"

namespace labcoat::bench {

// SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014): 64 bits of
// state, more than good enough to choose a URL and a gap. Neighbouring seeds give unrelated
// streams.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}

  u64 next() {
    u64 z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 <= x < 1.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }
  // Gap of a Poisson process. 1 - uniform() is never 0, so the logarithm is finite.
  double exponential(double mean) { return -std::log(1.0 - uniform()) * mean; }

 private:
  u64 state_;
};

}  // namespace labcoat::bench
