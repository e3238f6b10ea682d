// One connection's life: connect, send, read the answer, and what happens when one of these fails.
#include <algorithm>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "bench/loop.h"

namespace labcoat::bench {
namespace {

// A server that refuses must not be hammered: a connection rests after failures in a row, longer
// each time.
constexpr i64 rest_first_ns = 10 * ms;
constexpr i64 rest_max_ns = 1 * seconds;
constexpr u32 gone = EPOLLRDHUP | EPOLLHUP | EPOLLERR;

i64 rest_after(u32 failures_in_row) {
  if (failures_in_row <= 1) return 0;
  return std::min(rest_max_ns, rest_first_ns << std::min<u32>(failures_in_row - 2, 10));
}

}  // namespace

// The connection is free: it goes on with the next request or waits for one.
void Loop::take_work(Connection& connection, i64 now) {
  connection.state = Connection::State::idle;
  if (!plan_.open_loop) {
    if (!window_open_ || issued_left_ == 0 || now >= deadline_) return;
    --issued_left_;
    begin(connection, now, 0, now);
    return;
  }
  if (!idle_.empty() || !arrivals_.due(now)) {
    idle_.push_back(&connection);
    return;
  }
  // The request waited for a connection: the server's doing, except for the time before the
  // connections ran out.
  ++slice_.waited;
  const i64 planned = arrivals_.take();
  begin(connection, planned, std::max<i64>(0, exhausted_at_ - planned), now);
}

void Loop::begin(Connection& connection, i64 planned, i64 own_lag, i64 now) {
  connection.has_request = true;
  connection.retried = false;
  connection.planned = planned;
  connection.own_lag = own_lag;
  connection.sent = 0;
  connection.target = plan_.mix.choose(random_);
  ++in_flight_;
  if (connection.socket) {
    send_request(connection, now);
  } else {
    start_connect(connection, now);
  }
}

void Loop::start_connect(Connection& connection, i64 now) {
  if (std::exchange(connection.closed_by_server, false)) ++slice_.reconnects;
  connection.connect_started = now;
  connection.answered_before = false;
  connection.socket = make_socket(plan_.address);
  if (!connection.socket) return not_connected(connection, errno, now);
  const int made =
      connect(connection.socket.get(), plan_.address.get(), plan_.address.size) == 0 ? 0 : errno;
  if (made != 0 && made != EINPROGRESS) return not_connected(connection, made, now);
  connection.state = Connection::State::connecting;
  // Edge-triggered: one event per arrival, and the kernel need not look at the socket again to find
  // it empty.
  epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
                    .data = {.ptr = &connection}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, connection.socket.get(), &event) != 0) {
    return not_connected(connection, errno, now);
  }
  if (made == 0) connected(connection, now_ns());
}

void Loop::connected(Connection& connection, i64 now) {
  slice_.connect.record(now - connection.connect_started);
  if (connection.has_request) {
    send_request(connection, now);
  } else {
    take_work(connection, now);
  }
}

void Loop::not_connected(Connection& connection, int error, i64 now) {
  slice_.out_of_ports |= error == EADDRNOTAVAIL;
  slice_.out_of_files |= error == EMFILE || error == ENFILE;
  if (connection.has_request) return failed(connection, ErrorKind::connect, now);
  // Made ahead of need: no request has failed yet, the next one will try again.
  connection.socket.reset();
  take_work(connection, now);
}

void Loop::send_request(Connection& connection, i64 now) {
  connection.sent = now;
  connection.sent_bytes = 0;
  connection.reader.start(plan_.mix.text(connection.target).head);
  connection.state = Connection::State::sending;
  continue_send(connection);
}

void Loop::continue_send(Connection& connection) {
  const std::string& bytes = plan_.mix.text(connection.target).bytes;
  while (connection.sent_bytes < bytes.size()) {
    const ssize_t wrote = send(connection.socket.get(), bytes.data() + connection.sent_bytes,
                               bytes.size() - connection.sent_bytes, MSG_NOSIGNAL);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0 && errno == EAGAIN) return;
    if (wrote < 0) return lost(connection, ErrorKind::write);
    connection.sent_bytes += static_cast<size_t>(wrote);
    slice_.bytes_out += static_cast<u64>(wrote);
  }
  connection.state = Connection::State::waiting;
}

void Loop::handle(Connection& connection, u32 events) {
  switch (connection.state) {
    case Connection::State::connecting: {
      if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) == 0) return;
      int error = 0;
      socklen_t size = sizeof error;
      getsockopt(connection.socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return not_connected(connection, error, now_ns());
      return connected(connection, now_ns());
    }
    case Connection::State::sending:
      // An answer may come before the request is complete: a refusal of its body.
      if ((events & EPOLLOUT) != 0 && (events & (EPOLLIN | gone)) == 0) {
        return continue_send(connection);
      }
      [[fallthrough]];
    case Connection::State::waiting:
      if ((events & (EPOLLIN | gone)) != 0) read_answer(connection, events);
      return;
    case Connection::State::idle:
    case Connection::State::resting:
      // Closed by the server, or bytes that nobody asked for: either way of no more use.
      if ((events & (EPOLLIN | gone)) != 0 && connection.socket) lost(connection, ErrorKind::read);
      return;
  }
}

// Returns what recv said. The bytes are in buffer_, except those of a body's middle, which the
// kernel throws away itself.
ssize_t Loop::receive(Connection& connection, size_t& asked) {
  asked = buffer_.size();
  int flags = 0;
  if (const u64 sure = connection.reader.discardable();
      sure > 0 && plan_.address.family() != AF_UNIX) {
    asked = static_cast<size_t>(std::min<u64>(asked, sure));
    flags = MSG_TRUNC;
  }
  for (;;) {
    const ssize_t got = recv(connection.socket.get(), buffer_.data(), asked, flags);
    if (got >= 0 || errno != EINTR) return got;
  }
}

void Loop::read_answer(Connection& connection, u32 events) {
  for (;;) {
    size_t asked = 0;
    const ssize_t got = receive(connection, asked);
    if (got < 0 && errno == EAGAIN) break;
    if (got < 0) return lost(connection, ErrorKind::read);
    if (got == 0) {
      if (connection.reader.end() == ResponseReader::Step::done) return finish(connection, true);
      return lost(connection, ErrorKind::read);
    }
    const auto size = static_cast<size_t>(got);
    slice_.bytes_in += size;
    switch (connection.reader.feed({buffer_.data(), size}, heads_[connection.target])) {
      case ResponseReader::Step::done:
        return finish(connection, (events & gone) != 0);
      case ResponseReader::Step::bad:
        return failed(connection, ErrorKind::protocol, now_ns());
      case ResponseReader::Step::need_more:
        break;
    }
    // Fewer bytes than asked for: the socket is empty, and the next arrival is a new event.
    if (size < asked && (events & gone) == 0) break;
  }
  if (connection.state == Connection::State::sending) continue_send(connection);
}

void Loop::record(const Connection& connection, i64 now) {
  slice_.response.record(now - connection.planned);
  slice_.service.record(now - connection.sent);
  if (connection.sent == connection.planned) {
    ++on_time_;
  } else {
    slice_.send_lag.record(connection.sent - connection.planned);
  }
  if (plan_.open_loop) slice_.own_lag.record(connection.own_lag);
}

void Loop::finish(Connection& connection, bool closing) {
  const i64 now = now_ns();
  record(connection, now);
  last_answer_ = now;
  ++answered_total_;
  ++slice_.responses;
  if (now <= deadline_) ++slice_.responses_in_time;
  ++slice_.status[static_cast<size_t>(std::clamp(connection.reader.status() / 100, 0, 5))];
  connection.has_request = false;
  connection.answered_before = true;
  connection.failures_in_row = 0;
  --in_flight_;
  // Answered before the request was sent whole: what is left of the request must not become the
  // next one's beginning.
  if (closing || !connection.reader.keep_alive() ||
      connection.state == Connection::State::sending) {
    connection.socket.reset();
    connection.closed_by_server = true;
  }
  take_work(connection, now);
}

// The server closed the connection. Between two requests that is its right (RFC 9112 section 9.5),
// and the client is to repeat what is safe to repeat.
void Loop::lost(Connection& connection, ErrorKind kind) {
  connection.socket.reset();
  connection.closed_by_server = true;
  if (!connection.has_request) return;
  const bool repeat = connection.answered_before && !connection.retried &&
                      connection.reader.untouched() &&
                      plan_.mix.text(connection.target).safe_to_repeat;
  if (!repeat) return failed(connection, kind, now_ns());
  connection.retried = true;
  start_connect(connection, now_ns());
}

void Loop::failed(Connection& connection, ErrorKind kind, i64 now) {
  ++slice_.errors[static_cast<size_t>(kind)];
  connection.socket.reset();
  connection.has_request = false;
  --in_flight_;
  ++connection.failures_in_row;
  // tick() wakes it up; also without a rest, so that a chain of failures cannot recurse.
  connection.state = Connection::State::resting;
  connection.rest_until = now + rest_after(connection.failures_in_row);
}

void Loop::timed_out(Connection& connection, i64 now) {
  slice_.response.record(now - connection.planned);
  if (connection.sent != 0) slice_.service.record(now - connection.sent);
  const bool connecting = connection.state == Connection::State::connecting;
  failed(connection, connecting ? ErrorKind::connect : ErrorKind::timeout, now);
}

}  // namespace labcoat::bench
