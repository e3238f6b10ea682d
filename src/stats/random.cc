#include "stats/random.h"

#include "base/check.h"

namespace labcoat {

u64 Random::next() {
  state_ += 0x9e3779b97f4a7c15;  // 2^64 / golden ratio, odd: visits every state once
  u64 x = state_;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

u64 Random::below(u64 bound) {
  CHECK(bound > 0);
  // Numbers below 2^64 mod bound are drawn again, so that every remainder has equally many sources.
  const u64 unfair_below = (0 - bound) % bound;
  u64 x = next();
  while (x < unfair_below) x = next();
  return x % bound;
}

double Random::uniform() {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

u64 derived_seed(u64 study_seed, std::string_view part, u64 index) {
  u64 seed = Random(study_seed).next();
  for (const char c : part) seed = Random(seed ^ static_cast<u8>(c)).next();
  return Random(seed + index).next();
}

}  // namespace labcoat
