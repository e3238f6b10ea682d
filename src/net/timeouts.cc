#include "net/timeouts.h"

#include <algorithm>

namespace labcoat::net {

void Timeout::disarm() {
  if (queue_ != nullptr) queue_->unlink(*this);
}

void TimeoutQueue::arm(Timeout& timeout, i64 now) {
  timeout.disarm();
  timeout.queue_ = this;
  timeout.deadline_ns_ = now + length_ns_;
  timeout.before_ = last_;
  timeout.after_ = nullptr;
  (last_ != nullptr ? last_->after_ : first_) = &timeout;
  last_ = &timeout;
}

void TimeoutQueue::unlink(Timeout& timeout) {
  (timeout.before_ != nullptr ? timeout.before_->after_ : first_) = timeout.after_;
  (timeout.after_ != nullptr ? timeout.after_->before_ : last_) = timeout.before_;
  timeout.before_ = timeout.after_ = nullptr;
  timeout.queue_ = nullptr;
}

void TimeoutQueue::expire(i64 now) {
  while (first_ != nullptr && first_->deadline_ns_ <= now) {
    Timeout& due = *first_;
    unlink(due);
    due.on_timeout();
  }
}

i64 TimeoutQueue::next_in(i64 now) const {
  return first_ == nullptr ? -1 : std::max<i64>(0, first_->deadline_ns_ - now);
}

}  // namespace labcoat::net
