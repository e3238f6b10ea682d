// A small random source whose numbers depend on the seed alone: not on the compiler, not on the C++
// library (whose distributions and std::shuffle may differ). A study that prints its seed can
// therefore be run again in the same order. Generator: SplitMix64, Steele, Lea and Flood, "Fast
// splittable pseudorandom number generators", OOPSLA 2014.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace labcoat {

// Not for secrets. Not thread-safe: one per thread.
class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}

  u64 next();
  // Uniform in 0 … bound-1, without the bias of a plain modulo. bound > 0.
  u64 below(u64 bound);
  // Uniform in [0, 1), 53 random bits.
  double uniform();
  bool coin() { return (next() >> 63) != 0; }

 private:
  u64 state_;
};

// A seed of its own for one part of a study ("trial:workers", block 3): parts can then be repeated,
// added or left out without changing what the others draw.
u64 derived_seed(u64 study_seed, std::string_view part, u64 index = 0);

}  // namespace labcoat
