#include "channel/recent_times.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace labcoat::channel {
namespace {

constexpr int part_bits = 4;  // each power of two is divided into sixteen buckets

// Buckets below 32 hold a single microsecond each.
size_t time_bucket_of(i64 duration_us) {
  const u64 value = static_cast<u64>(
      std::clamp<i64>(duration_us, 0, static_cast<i64>(std::numeric_limits<u32>::max())));
  const int power = std::max(0, static_cast<int>(std::bit_width(value)) - part_bits - 1);
  return (static_cast<size_t>(power) << part_bits) + (value >> power);
}

i64 middle_of(size_t bucket) {
  if (bucket < size_t{2} << part_bits) return static_cast<i64>(bucket);
  const u64 power = (bucket >> part_bits) - 1;
  const u64 part = bucket - (power << part_bits);
  return static_cast<i64>((part << power) + (u64{1} << (power - 1)));
}

void add_one(std::atomic<u32>& counter) {
  counter.store(counter.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
}

void begin_slice(TimeSlice& slice, i64 number) {
  slice.number.store(-1, std::memory_order_relaxed);
  // Pairs with the acquire fence in add_slice: who saw a cleared count does not see the old number.
  std::atomic_thread_fence(std::memory_order_release);
  for (auto& count : slice.response) count.store(0, std::memory_order_relaxed);
  for (auto& count : slice.queue_wait) count.store(0, std::memory_order_relaxed);
  slice.number.store(number, std::memory_order_release);
}

using Counts = std::array<u64, time_buckets>;
struct Sums {
  Counts response{}, queue_wait{};
};

void add_slice(const TimeSlice& slice, i64 number, Sums& sums) {
  if (slice.number.load(std::memory_order_acquire) != number) return;
  Sums with = sums;
  for (size_t i = 0; i < time_buckets; ++i) {
    with.response[i] += slice.response[i].load(std::memory_order_relaxed);
    with.queue_wait[i] += slice.queue_wait[i].load(std::memory_order_relaxed);
  }
  std::atomic_thread_fence(std::memory_order_acquire);
  if (slice.number.load(std::memory_order_relaxed) == number) sums = with;
}

i64 quantile(const Counts& counts, u64 all, double share) {
  const u64 rank = std::max<u64>(1, static_cast<u64>(std::ceil(share * static_cast<double>(all))));
  u64 seen = 0;
  for (size_t i = 0; i < time_buckets; ++i) {
    seen += counts[i];
    if (seen >= rank) return middle_of(i);
  }
  return middle_of(time_buckets - 1);
}

Percentiles percentiles(const Counts& counts) {
  Percentiles out;
  for (const u64 count : counts) out.count += count;
  if (out.count == 0) return out;
  out.p50_us = quantile(counts, out.count, 0.5);
  out.p90_us = quantile(counts, out.count, 0.9);
  out.p99_us = quantile(counts, out.count, 0.99);
  return out;
}

}  // namespace

void count_times(TimeSlice* slices, i64 now, i64 response_us, i64 queue_wait_us) {
  const i64 number = now / time_slice_ns;
  TimeSlice& slice = slices[number % time_slices];
  if (slice.number.load(std::memory_order_relaxed) != number) begin_slice(slice, number);
  add_one(slice.response[time_bucket_of(response_us)]);
  if (queue_wait_us >= 0) add_one(slice.queue_wait[time_bucket_of(queue_wait_us)]);
}

RecentTimes recent_times(const Mapping& mapping, i64 now) {
  const i64 newest = now / time_slice_ns;
  const i64 oldest = newest - (time_slices - 1);
  Sums sums;
  for (u32 thread = 0; thread < mapping.shape().edge_threads; ++thread) {
    const TimeSlice* const slices = mapping.times(thread);
    for (i64 number = oldest; number <= newest; ++number) {
      // A machine that is younger than the window has slices before its time.
      if (number >= 0) add_slice(slices[number % time_slices], number, sums);
    }
  }
  return {.window_ns = now - oldest * time_slice_ns,
          .response = percentiles(sums.response),
          .queue_wait = percentiles(sums.queue_wait)};
}

}  // namespace labcoat::channel
