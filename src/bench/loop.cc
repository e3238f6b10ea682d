#include "bench/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <limits>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <utility>

namespace labcoat::bench {
namespace {

// Bodies are discarded by the kernel, so this only has to hold a head and a small body; large
// bodies profit from fewer calls.
constexpr size_t receive_bytes = 256 * 1024;
// Few events per wait: between two waits the plan is looked at, and a long batch would make
// requests late.
constexpr int events_max = 64;
// Timeouts and rests are looked at this often; nobody needs them finer.
constexpr i64 tick_ns = 10 * ms;
constexpr i64 never = std::numeric_limits<i64>::max() / 2;

// How long the calling thread has been ready to run without getting a CPU, since it began. 0 where
// the kernel keeps no scheduler statistics.
i64 thread_starved_ns() {
  const Fd file(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  std::array<char, 96> text{};
  if (!file || read(file.get(), text.data(), text.size() - 1) <= 0) return 0;
  long long on_cpu = 0, waiting = 0;
  return std::sscanf(text.data(), "%lld %lld", &on_cpu, &waiting) == 2 ? waiting : 0;
}

}  // namespace

Loop::Loop(const LoadPlan& plan, const std::atomic<bool>& stopped, LoopOptions options)
    : plan_(plan),
      stopped_(stopped),
      options_(options),
      arrivals_(options.rate, Random(options.seed).next()),
      random_(~options.seed),
      connections_(static_cast<size_t>(options.connections)),
      heads_(plan.mix.size()),
      buffer_(receive_bytes) {}

Loop::~Loop() = default;

Status Loop::open() {
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll_) return fail_errno("cannot make an epoll descriptor");
  return {};
}

void Loop::connect_all(i64 until_ns) {
  for (Connection& connection : connections_) {
    if (connection.connect_started == 0) start_connect(connection, now_ns());
  }
  const auto connecting = [](const Connection& c) {
    return c.state == Connection::State::connecting;
  };
  while (!stopped_.load(std::memory_order_relaxed) && now_ns() < until_ns &&
         std::any_of(connections_.begin(), connections_.end(), connecting)) {
    wait_and_handle(tick_ns);
  }
}

SliceResult Loop::run(const SliceEnd& end) {
  // The kernel's default slack of 50 us would make every planned send late by about that much.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  start_slice(end);
  for (;;) {
    const i64 now = now_ns();
    if (stopped_.load(std::memory_order_relaxed)) {
      abandon_all();
      if (window_open_) close_window(now);
      break;
    }
    if (now >= next_tick_) tick(now);
    if (window_open_ && window_over(now)) close_window(now);
    if (!window_open_ && in_flight_ == 0 && arrivals_.exhausted()) break;
    if (plan_.open_loop) send_due(now);
    wait_and_handle(wait_until(now) - now_ns());
  }
  answered_.store(answered_total_, std::memory_order_relaxed);
  slice_.busy_ns = (last_answer_ == 0 ? now_ns() : last_answer_) - start_;
  slice_.requests = slice_.responses + slice_.errors_total();
  slice_.send_lag.record(0, on_time_);
  return std::exchange(slice_, SliceResult());
}

void Loop::start_slice(const SliceEnd& end) {
  // First see which connections the server closed since the last slice: a request must not run into
  // them.
  wait_and_handle(0);
  idle_.clear();
  in_flight_ = on_time_ = 0;
  last_answer_ = 0;
  bounded_ = end.requests_max > 0;
  const u64 requests_max = bounded_ ? end.requests_max : std::numeric_limits<u64>::max();
  starved_at_start_ = thread_starved_ns();
  start_ = now_ns();
  cpu_at_start_ = thread_cpu_ns();
  deadline_ = end.duration_ns > 0 ? start_ + end.duration_ns : never;
  next_tick_ = start_ + tick_ns;
  exhausted_at_ = 0;
  window_open_ = true;
  issued_left_ = plan_.open_loop ? 0 : requests_max;
  arrivals_.begin(start_, deadline_, requests_max);
  for (Connection& connection : connections_) {
    if (connection.state == Connection::State::idle) take_work(connection, now_ns());
  }
}

// What the plan says should have been sent by now, as far as there are free connections.
void Loop::send_due(i64 now) {
  while (!idle_.empty() && arrivals_.due(now)) {
    Connection& connection = *idle_.front();
    idle_.pop_front();
    const i64 planned = arrivals_.take();
    now = now_ns();
    if (window_open_ ? now > deadline_ : true) ++slice_.late;
    begin(connection, planned, now - planned, now);
    if (idle_.empty()) exhausted_at_ = now;
  }
}

// Requests that waited for a connection until their time was up: given up without having been sent.
void Loop::expire_plan(i64 now) {
  while (!arrivals_.exhausted() && arrivals_.next() + plan_.timeout_ns <= now) {
    slice_.response.record(now - arrivals_.take());
    ++slice_.errors[static_cast<size_t>(ErrorKind::timeout)];
    ++slice_.waited;
  }
}

void Loop::tick(i64 now) {
  next_tick_ = now + tick_ns;
  answered_.store(answered_total_, std::memory_order_relaxed);
  if (idle_.empty()) expire_plan(now);
  for (Connection& connection : connections_) tick_connection(connection, now);
}

void Loop::tick_connection(Connection& connection, i64 now) {
  if (connection.has_request) {
    if (connection.planned + plan_.timeout_ns <= now) timed_out(connection, now);
  } else if (connection.state == Connection::State::connecting) {
    if (connection.connect_started + plan_.timeout_ns <= now) {
      not_connected(connection, ETIMEDOUT, now);
    }
  } else if (connection.state == Connection::State::resting && connection.rest_until <= now) {
    take_work(connection, now);
  }
}

bool Loop::nothing_left_to_begin() const {
  return plan_.open_loop ? arrivals_.exhausted() : issued_left_ == 0;
}

bool Loop::window_over(i64 now) const {
  return now >= deadline_ || (bounded_ && nothing_left_to_begin() && in_flight_ == 0);
}

void Loop::close_window(i64 now) {
  window_open_ = false;
  // Bounded by requests, the slice was over with the last answer; bounded by time, what came until
  // the deadline counts.
  const bool by_count = now < deadline_ && last_answer_ != 0 && in_flight_ == 0 && bounded_;
  slice_.elapsed_ns = (by_count ? last_answer_ : std::min(now, deadline_)) - start_;
  slice_.threads = {
      ThreadUse{.cpu_ns = thread_cpu_ns() - cpu_at_start_, .elapsed_ns = now - start_}};
}

i64 Loop::wait_until(i64 now) const {
  i64 until = next_tick_;
  if (window_open_) until = std::min(until, deadline_);
  if (!idle_.empty() && !arrivals_.exhausted()) until = std::min(until, arrivals_.next());
  return std::max(until, now);
}

void Loop::wait_and_handle(i64 timeout_ns) {
  std::array<epoll_event, events_max> events;
  timeout_ns = std::max<i64>(timeout_ns, 0);
  const timespec timeout{.tv_sec = timeout_ns / seconds, .tv_nsec = timeout_ns % seconds};
  int count = epoll_pwait2(epoll_.get(), events.data(), events_max, &timeout, nullptr);
  // Kernels before 5.11, and containers that forbid what they do not know. Waits end early, never
  // late.
  if (count < 0 && (errno == ENOSYS || errno == EPERM)) {
    count = epoll_wait(epoll_.get(), events.data(), events_max, static_cast<int>(timeout_ns / ms));
  }
  for (int i = 0; i < count; ++i) {
    handle(*static_cast<Connection*>(events[i].data.ptr), events[i].events);
  }
}

void Loop::abandon_all() {
  for (Connection& connection : connections_) {
    if (!connection.has_request && connection.state != Connection::State::connecting) continue;
    connection.socket.reset();
    connection.has_request = false;
    connection.state = Connection::State::idle;
  }
  in_flight_ = 0;
}

}  // namespace labcoat::bench
