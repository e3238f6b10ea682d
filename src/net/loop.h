// Loop: one thread's epoll, its clock, and the messages other threads post to it. Everything a Loop
// calls runs on its thread; only post() may be called from elsewhere.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace labcoat::net {

// Something with a descriptor that wants to hear of it. Must outlive its registration.
class Watcher {
 public:
  // `events` are EPOLL* bits.
  virtual void on_events(u32 events) = 0;

 protected:
  ~Watcher() = default;
};

class Loop {
 public:
  static Result<std::unique_ptr<Loop>> create();

  // `events` are EPOLL* bits, EPOLLET included when wanted. Fails only for want of kernel memory or
  // a bad descriptor.
  Status watch(int fd, u32 events, Watcher& watcher);
  Status change(int fd, u32 events, Watcher& watcher);
  // A watcher that is forgotten gets no more calls, not even for events of the same batch. Closing
  // the descriptor is the caller's.
  void forget(int fd, Watcher& watcher);

  // One batch: waits at most `timeout_ms` (-1: until something happens), then calls the watchers
  // and what was posted. Returns the number of events.
  int run_once(int timeout_ms);

  // The time at which the current batch began; one clock reading a batch.
  i64 now() const { return now_ns_; }

  // From any thread: runs `call` on this loop's thread, soon.
  void post(std::function<void()> call);

 private:
  Loop(Fd epoll, Fd wakeup);
  void run_posted();

  static constexpr int batch_max = 64;

  Fd epoll_;
  Fd wakeup_;
  i64 now_ns_ = 0;
  std::vector<Watcher*> batch_;  // of the current run_once, so that forget() can strike one out
  std::mutex posted_mutex_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace labcoat::net
