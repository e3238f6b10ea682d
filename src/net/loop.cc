#include "net/loop.h"

#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/check.h"

namespace labcoat::net {

Loop::Loop(Fd epoll, Fd wakeup) : epoll_(std::move(epoll)), wakeup_(std::move(wakeup)) {
  now_ns_ = now_ns();
  batch_.reserve(batch_max);
}

Result<std::unique_ptr<Loop>> Loop::create() {
  Fd epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return fail_errno("cannot create an epoll instance");
  Fd wakeup(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wakeup) return fail_errno("cannot create an eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // the wake-up itself: not a watcher
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wakeup.get(), &event) != 0) {
    return fail_errno("cannot watch an eventfd");
  }
  return std::unique_ptr<Loop>(new Loop(std::move(epoll), std::move(wakeup)));
}

Status Loop::watch(int fd, u32 events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return fail_errno("cannot watch descriptor " + std::to_string(fd));
  }
  return {};
}

Status Loop::change(int fd, u32 events, Watcher& watcher) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &watcher;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    return fail_errno("cannot watch descriptor " + std::to_string(fd));
  }
  return {};
}

void Loop::forget(int fd, Watcher& watcher) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  std::replace(batch_.begin(), batch_.end(), &watcher, static_cast<Watcher*>(nullptr));
}

int Loop::run_once(int timeout_ms) {
  epoll_event events[batch_max];
  const int count = epoll_wait(epoll_.get(), events, batch_max, timeout_ms);
  now_ns_ = now_ns();
  if (count <= 0) {
    CHECK(count == 0 || errno == EINTR);
    return 0;
  }
  batch_.clear();
  bool woken = false;
  for (int i = 0; i < count; ++i) {
    batch_.push_back(static_cast<Watcher*>(events[i].data.ptr));
    if (events[i].data.ptr == nullptr) woken = true;
  }
  for (int i = 0; i < count; ++i) {
    if (batch_[static_cast<size_t>(i)] != nullptr) {
      batch_[static_cast<size_t>(i)]->on_events(events[i].events);
    }
  }
  batch_.clear();
  if (woken) run_posted();
  return count;
}

void Loop::post(std::function<void()> call) {
  {
    const std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(call));
  }
  const u64 one = 1;
  // A full counter means a wake-up is pending already.
  [[maybe_unused]] const ssize_t wrote = ::write(wakeup_.get(), &one, sizeof one);
}

void Loop::run_posted() {
  u64 rung = 0;
  [[maybe_unused]] const ssize_t got = ::read(wakeup_.get(), &rung, sizeof rung);
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(posted_mutex_);
    calls.swap(posted_);
  }
  for (const auto& call : calls) call();
}

}  // namespace labcoat::net
