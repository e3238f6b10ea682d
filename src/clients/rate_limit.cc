#include "clients/rate_limit.h"

#include <algorithm>

namespace labcoat::clients {
namespace {

// Multiplication and folding, keyed; whoever does not know the secret cannot aim at a set.
u64 mix(u64 a, u64 b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<u64>(product) ^ static_cast<u64>(product >> 64);
}

u64 hash_of(std::string_view key, u64 secret) {
  u64 hash = secret ^ 0x9e3779b97f4a7c15;
  for (const char c : key) {
    hash = mix(hash ^ static_cast<unsigned char>(c), 0xd6e8feb86659fd93 ^ secret);
  }
  hash = mix(hash ^ key.size(), secret | 1);
  return hash == 0 ? 1 : hash;  // 0 is a bucket that nobody has
}

}  // namespace

RateLimit::RateLimit(Options options)
    : options_(options), sets_(std::max<size_t>(1, options.buckets / ways)), table_(sets_) {}

RateLimit::Verdict RateLimit::take(std::string_view key, const Rate& rate, i64 now) {
  const u64 hash = hash_of(key, options_.secret);
  const size_t index = hash % sets_;
  std::array<Bucket, ways>& set = table_[index];
  const std::lock_guard lock(mutexes_[index % locks]);
  Bucket* bucket = nullptr;
  for (Bucket& one : set) {
    if (one.key == hash) bucket = &one;
  }
  Verdict verdict;
  if (bucket == nullptr) {
    bucket = &*std::min_element(set.begin(), set.end(), [](const Bucket& a, const Bucket& b) {
      return a.full_at_ns < b.full_at_ns;
    });
    verdict.evicted = bucket->full_at_ns > now;
    *bucket = {hash, 0};
  }
  const i64 full_at = std::max(bucket->full_at_ns, now) + rate.interval_ns;
  const i64 ahead_max = rate.burst * rate.interval_ns;
  if (full_at - now > ahead_max) {
    verdict.wait_ns = full_at - now - ahead_max;
  } else {
    bucket->full_at_ns = full_at;
  }
  return verdict;
}

}  // namespace labcoat::clients
