#include "edge/standing_queue.h"

#include <algorithm>

namespace labcoat::edge {
namespace {

constexpr i64 average_over = 16;  // answers
constexpr i64 again_within = 10;  // limits
// What takes longer is an event stream or a WebSocket, and says nothing about the others.
constexpr i64 service_ns_max = 10 * seconds;

}  // namespace

void StandingQueue::taken(i64 now, i64 waited_ns) {
  roll(now);
  ++this_.taken;
  if (limit_ns_ == 0) return;
  if (waited_ns <= limit_ns()) {
    late_ = 0;
    return;
  }
  if (late_++ == 0) late_since_ns_ = now;
  // A lull in the overload is not its end: soon after, the first late one is enough.
  const bool again = stood_ && now - stood_until_ns_ < again_within * limit_ns();
  const bool long_enough = late_ >= late_min && now - late_since_ns_ >= interval_ns_;
  if (stands_ || !(again || long_enough)) return;
  stands_ = stood_ = true;
  last_shed_ns_ = now;
}

void StandingQueue::served(i64 service_ns) {
  service_ns_ += (std::min(service_ns, service_ns_max) - service_ns_) / average_over;
}

void StandingQueue::shed(i64 now) {
  roll(now);
  ++this_.shed;
  last_shed_ns_ = now;
}

bool StandingQueue::stands(i64 now) {
  if (stands_ && now - last_shed_ns_ > limit_ns()) {
    stands_ = false;
    late_ = 0;
    stood_until_ns_ = now;
  }
  return stands_;
}

i64 StandingQueue::limit_ns() const {
  return std::max(limit_ns_, 2 * service_ns_);
}

i64 StandingQueue::retry_after(i64 now, i64 waiting) {
  roll(now);
  if (last_.taken == 0) return 1;
  const i64 wait_s = (waiting + last_.shed + last_.taken - 1) / last_.taken;
  return std::clamp<i64>(wait_s, 1, retry_after_max);
}

void StandingQueue::roll(i64 now) {
  const i64 second = now / seconds;
  if (second == this_.number) return;
  last_ = second == this_.number + 1 ? this_ : Second{};
  this_ = {.number = second};
}

}  // namespace labcoat::edge
