#include "stats/order.h"

#include <utility>

#include "base/check.h"
#include "stats/random.h"

namespace labcoat {

std::vector<Arm> slice_order(size_t turns, u64 seed) {
  CHECK(turns % 2 == 0);
  Random random(seed);
  std::vector<Arm> order;
  order.reserve(turns);
  while (order.size() < turns) {
    const Arm first = random.coin() ? Arm::a : Arm::b;
    const Arm second = first == Arm::a ? Arm::b : Arm::a;
    const bool whole_group = turns - order.size() >= 4;
    order.insert(order.end(), {first, second});
    if (whole_group) order.insert(order.end(), {second, first});
  }
  return order;
}

std::vector<size_t> shuffled(size_t count, u64 seed) {
  Random random(seed);
  std::vector<size_t> order(count);
  for (size_t i = 0; i < count; ++i) order[i] = i;
  for (size_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
  return order;
}

}  // namespace labcoat
