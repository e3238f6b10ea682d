// Timeouts of one length each: because every entry of a queue waits equally long, arming is an
// append, expiring looks at the front only, and neither allocates. One edge thread's; not
// thread-safe.
#pragma once

#include "base/clock.h"

namespace labcoat::net {

class TimeoutQueue;

// Something with at most one running timeout. Leaves its queue when it is destroyed.
class Timeout {
 public:
  Timeout() = default;
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;
  void disarm();

 protected:
  virtual ~Timeout() { disarm(); }
  const TimeoutQueue* queue() const { return queue_; }

 private:
  friend class TimeoutQueue;
  virtual void on_timeout() = 0;

  Timeout* before_ = nullptr;
  Timeout* after_ = nullptr;
  TimeoutQueue* queue_ = nullptr;
  i64 deadline_ns_ = 0;
};

class TimeoutQueue {
 public:
  explicit TimeoutQueue(i64 length_ns) : length_ns_(length_ns) {}
  // For what is armed from here on. What waits behind a longer one may come later than it should.
  void set_length(i64 length_ns) { length_ns_ = length_ns; }
  TimeoutQueue(const TimeoutQueue&) = delete;
  TimeoutQueue& operator=(const TimeoutQueue&) = delete;

  // (Re)starts the timeout, whatever queue it was in.
  void arm(Timeout& timeout, i64 now);
  // Fires what is due; a fired timeout is disarmed first.
  void expire(i64 now);
  // Nanoseconds until the first is due, or -1 when nothing waits.
  i64 next_in(i64 now) const;
  // The one that is due first, or nullptr.
  Timeout* first() const { return first_; }

 private:
  friend class Timeout;
  void unlink(Timeout& timeout);

  i64 length_ns_;
  Timeout* first_ = nullptr;
  Timeout* last_ = nullptr;
};

}  // namespace labcoat::net
