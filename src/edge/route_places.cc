#include "edge/route_places.h"

#include <algorithm>

namespace labcoat::edge {

RoutePlaces::Entry RoutePlaces::enter(int thread) {
  const std::lock_guard lock(mutex_);
  if (free_ > 0) {
    --free_;
    return Entry::taken;
  }
  if (static_cast<i64>(waiting_.size()) >= waiting_max_) return Entry::full;
  waiting_.push_back(thread);
  return Entry::waiting;
}

int RoutePlaces::leave() {
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) {
    ++free_;
    return nobody;
  }
  const int next = waiting_.front();
  waiting_.pop_front();
  return next;
}

void RoutePlaces::forget(int thread) {
  const std::lock_guard lock(mutex_);
  // Of its thread's requests any may be the one that went: they are only told apart there.
  const auto last = std::find(waiting_.rbegin(), waiting_.rend(), thread);
  if (last != waiting_.rend()) waiting_.erase(std::next(last).base());
}

}  // namespace labcoat::edge
