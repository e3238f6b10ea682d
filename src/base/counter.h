// A counter of one thread: written by that thread alone, read by anybody (relaxed: each number is
// right, sums may be a moment apart).
#pragma once

#include <atomic>

#include "base/clock.h"

namespace labcoat {

// An increment is a load and a store, no locked instruction.
class Counter {
 public:
  void add(u64 n = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(u64 n = 1) { add(~n + 1); }
  u64 get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<u64> value_ = 0;
};

}  // namespace labcoat
