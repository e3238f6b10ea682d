// Http2Budget: how much of something that costs us more than the client it may do: so many in so
// many seconds, evenly given back, and earned by real work. A token bucket in one word.
#pragma once

#include <algorithm>

#include "base/clock.h"

namespace labcoat::edge {

class Http2Budget {
 public:
  Http2Budget(int count, i64 window_ns) : window_ns_(window_ns), cost_ns_(window_ns / count) {}

  // False: it is overdrawn.
  bool spend(i64 now) {
    paid_until_ns_ = std::max(paid_until_ns_, now) + cost_ns_;
    return paid_until_ns_ - now <= window_ns_;
  }
  void earn(int count) { paid_until_ns_ -= count * cost_ns_; }

 private:
  i64 window_ns_;
  i64 cost_ns_;
  i64 paid_until_ns_ = 0;  // what is spent, as the time at which it will be given back
};

}  // namespace labcoat::edge
