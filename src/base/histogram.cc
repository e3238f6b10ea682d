#include "base/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/check.h"

namespace labcoat {
namespace {

// Each power of two of nanoseconds is divided into 1024 parts: the relative error is below 1/1024 <
// 0.1 %.
constexpr int parts_bits = 10;
constexpr u64 parts_per_octave = u64{1} << parts_bits;

// Buckets 0..2*parts_per_octave-1 hold single nanoseconds; each further power of two adds
// `parts_per_octave` buckets twice as wide.
size_t bucket_of(u64 value) {
  const int power = std::max(0, static_cast<int>(std::bit_width(value)) - parts_bits - 1);
  return static_cast<size_t>(static_cast<u64>(power) * parts_per_octave + (value >> power));
}

i64 highest_in(size_t bucket) {
  if (bucket < 2 * parts_per_octave) return static_cast<i64>(bucket);
  const u64 power = bucket / parts_per_octave - 1;
  const u64 part = bucket - power * parts_per_octave;
  return static_cast<i64>(((part + 1) << power) - 1);
}

}  // namespace

Histogram::Histogram() : counts_(bucket_of(static_cast<u64>(value_max_ns)) + 1) {}

void Histogram::record(i64 ns, u64 times) {
  if (times == 0) return;
  if (ns > value_max_ns) clamped_ += times;
  ns = std::clamp(ns, value_min_ns, value_max_ns);
  counts_[bucket_of(static_cast<u64>(ns))] += times;
  min_ = count_ == 0 ? ns : std::min(min_, ns);
  max_ = std::max(max_, ns);
  count_ += times;
  sum_ += static_cast<double>(ns) * static_cast<double>(times);
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) return;
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = std::max(max_, other.max_);
  count_ += other.count_;
  clamped_ += other.clamped_;
  sum_ += other.sum_;
}

void Histogram::clear() {
  std::fill(counts_.begin(), counts_.end(), 0);
  count_ = clamped_ = 0;
  min_ = max_ = 0;
  sum_ = 0;
}

double Histogram::mean_ns() const {
  return count_ == 0 ? 0 : sum_ / static_cast<double>(count_);
}

i64 Histogram::quantile_ns(double p) const {
  CHECK(p >= 0 && p <= 1);
  if (count_ == 0) return 0;
  const u64 rank = std::max<u64>(1, static_cast<u64>(std::ceil(p * static_cast<double>(count_))));
  u64 seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return std::clamp(highest_in(i), min_, max_);
  }
  return max_;
}

}  // namespace labcoat
