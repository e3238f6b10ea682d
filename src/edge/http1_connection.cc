// Reading: from bytes to a request that the exchange gets whole.
#include "edge/http1_connection.h"

#include <cerrno>
#include <sys/epoll.h>

#include "base/check.h"
#include "edge/http2_connection.h"

namespace labcoat::edge {
namespace {

constexpr std::string_view continue_line = "HTTP/1.1 100 Continue\r\n\r\n";
// Steps (a read, or a request) before the other connections have their turn: 2 ms at most.
constexpr int steps_per_turn = 32;

bool carries_body(std::string_view method) {
  return method == "POST" || method == "PUT" || method == "PATCH";
}

}  // namespace

Http1Connection::Http1Connection(EdgeThread& thread, net::Transport transport,
                                 const clients::Client& client)
    : SocketConnection(thread, std::move(transport), client), exchange_(thread, client_, *this) {}

Http1Connection::~Http1Connection() = default;

void Http1Connection::start(std::string_view read_ahead) {
  if (!watch()) {
    close();
    return;
  }
  // Its handshake may have ended while the edge drains: then it is as idle as any other.
  const bool draining = thread_.shared().draining.load(std::memory_order_relaxed);
  (draining ? thread_.linger_timeouts : thread_.header_timeouts).arm(*this, thread_.now());
  if (!read_ahead.empty()) {
    unread_.assign(read_ahead);
    readable_ = true;  // there may be more, whose event somebody else has had
    advance();
  }
  transport_.push();
}

void Http1Connection::on_events(u32 events) {
  // Both sides shut is no news when lingering: what the client has sent is still to be read.
  const bool ended = (events & EPOLLHUP) != 0 && state_ != State::linger;
  if ((events & EPOLLERR) != 0 || ended) {
    lost();
    return;
  }
  if ((events & (EPOLLIN | EPOLLRDHUP)) != 0) readable_ = true;
  if ((events & EPOLLRDHUP) != 0) {
    peer_closed_ = true;
    // Nobody waits for this answer; but one that a worker has begun is sent, for a client that shut
    // only its own side.
    if (state_ == State::answering && exchange_.is_waiting()) {
      lost();
      return;
    }
    if (state_ == State::answering && !tunnel_) exchange_.client_shut();
  }
  if ((events & EPOLLOUT) != 0) {
    writable_ = true;
    if (transport_.receive_waits_for_room()) readable_ = true;
    if (state_ == State::linger && !end_said_) begin_linger();
  }
  if (has_unsent()) {
    if (state_ == State::answering) let_exchange_go_on();
    if (state_ == State::body) flush();
  }
  advance();
}

void Http1Connection::let_exchange_go_on() {
  if (!flush() || state_ != State::answering) return;
  exchange_.go_on();
  push();
}

void Http1Connection::give_way() {
  if (!std::exchange(gave_way_, true)) thread_.come_back(*this);
}

void Http1Connection::resume() {
  gave_way_ = false;
  if (state_ == State::answering) let_exchange_go_on();
  advance();
}

void Http1Connection::settle() {
  push();
  advance();
}

void Http1Connection::advance() {
  int steps = 0;
  for (bool more = true; more;) {
    // A client that sends as fast as it is read would otherwise keep the thread for itself.
    if (steps++ == steps_per_turn) {
      give_way();
      return;
    }
    switch (state_) {
      case State::head:
        more = read_head();
        break;
      case State::body:
        more = read_body();
        break;
      case State::answering:
        more = tunnel_ && read_tunnel();
        break;
      case State::closed:
        more = false;
        break;
      case State::sending:
        more = flush();
        if (more && state_ == State::sending) finish_response();
        break;
      case State::linger:
        more = discard_rest();
        break;
    }
  }
}

std::string_view Http1Connection::receive() {
  if (!readable_) return {};
  std::vector<char>& scratch = thread_.input();
  const ssize_t got = transport_.receive(scratch.data(), scratch.size());
  if (got > 0) {
    // A short read has emptied the socket (epoll(7)); but a client that closed must be read to its
    // end.
    const bool emptied =
        static_cast<size_t>(got) < scratch.size() && transport_.short_read_means_empty();
    if (emptied && !peer_closed_) readable_ = false;
    thread_.count().bytes_in.add(static_cast<u64>(got));
    return {scratch.data(), static_cast<size_t>(got)};
  }
  if (got < 0 && errno == EAGAIN) {
    readable_ = false;
    return {};
  }
  readable_ = false;
  peer_closed_ = true;
  // It may still be reading what it was answered.
  if (got == 0 && ((state_ == State::head && !head_begun_) || state_ == State::linger)) {
    end_idle();
    return {};
  }
  const bool reading = state_ == State::head || state_ == State::body || state_ == State::linger;
  if (got < 0 || reading || tunnel_) lost();
  return {};
}

void Http1Connection::use(size_t bytes) {
  unread_used_ += bytes;
  if (unread_used_ < unread_.size()) return;
  unread_used_ = 0;
  unread_.clear();
  if (unread_.capacity() > kept_capacity_max) unread_ = std::string();
}

bool Http1Connection::read_head() {
  // What a pipelining client has sent ahead is looked at first, without reading more.
  if (head_scanned_ == 0 && !unread().empty() && parse_head(unread(), false)) return true;
  if (state_ != State::head) return state_ != State::closed;
  const std::string_view received = receive();
  if (received.empty()) return false;
  if (unread().empty()) return parse_head(received, true);
  // Used bytes must go, or a client that never lets a packet end with a request would pile them up.
  unread_.erase(0, unread_used_);
  unread_used_ = 0;
  unread_.append(received);
  return parse_head(unread(), false);
}

// False: more bytes are needed. `bytes` is the thread's scratch or all of unread().
bool Http1Connection::parse_head(std::string_view bytes, bool in_scratch) {
  http::RequestHead head;
  size_t head_bytes = 0;
  size_t scanned = head_scanned_;
  http::Parsed parsed =
      http::parse_request(bytes, thread_.shared().request_limits, head, head_bytes, scanned);
  if (parsed == http::Parsed::bad && begins_http2(bytes)) {
    if (bytes.size() >= http2::client_preface.size()) {
      go_on_in_http2(bytes);
      return false;
    }
    parsed = http::Parsed::need_more;
    scanned = 1;
  }
  if (!head_begun_) {
    head_begun_ = true;
    began_ns_ = thread_.now();
    if (parsed == http::Parsed::need_more) thread_.header_timeouts.arm(*this, thread_.now());
  }
  if (parsed == http::Parsed::need_more) {
    head_scanned_ = scanned;
    if (in_scratch) unread_.assign(bytes);
    // A second look at the same bytes would find the same: only go on when there is more to read.
    return readable_;
  }
  head_scanned_ = 0;
  head_begun_ = false;
  disarm();
  if (parsed == http::Parsed::bad) {
    const bool limit = head.status == 414 || head.status == 431;
    (limit ? thread_.count().limit_request_head : thread_.count().bad_requests).add();
    refuse_unknown(head.status, head.why);
    return true;
  }
  thread_.count().requests.add();
  const std::string_view behind = bytes.substr(head_bytes);
  const size_t body_bytes = begin_request(head, bytes.substr(0, head_bytes), behind);
  if (state_ == State::closed) return false;
  if (in_scratch) {
    unread_.assign(behind.substr(body_bytes));
    unread_used_ = 0;
  } else {
    use(head_bytes + body_bytes);
  }
  return true;
}

// RFC 9113 section 3.3: over TLS it would have been agreed on before.
bool Http1Connection::begins_http2(std::string_view bytes) const {
  const size_t known = std::min(bytes.size(), http2::client_preface.size());
  return !answered_ && !client_.listener->https &&
         bytes.substr(0, known) == http2::client_preface.substr(0, known);
}

void Http1Connection::go_on_in_http2(std::string_view read_ahead) {
  state_ = State::closed;
  unwatch();
  thread_.hand_over(*this, std::move(transport_), client_, EdgeThread::Protocol::http2, read_ahead);
}

// Returns how much of `behind` was the request's body.
size_t Http1Connection::begin_request(const http::RequestHead& head, std::string_view head_bytes,
                                      std::string_view behind) {
  exchange_.begin(began_ns_);
  exchange_.note(head);
  keep_alive_ = head.keep_alive && !thread_.shared().draining.load(std::memory_order_relaxed);
  if (head.minor_version == 0 && head.content_length < 0 && carries_body(head.method)) {
    // HTTP/1.0 has no other way to say where such a body ends (RFC 1945 section 8.3).
    refuse(411, "a body in HTTP/1.0 needs a Content-Length");
    return 0;
  }
  if (!head.chunked && head.content_length <= 0) {
    run(head, {});
    return 0;
  }
  const i64 length = head.content_length;
  const config::Limits& limits = thread_.rules()->config.limits;
  if (length > limits.request_body_bytes) {
    thread_.count().limit_request_body.add();
    refuse(413, "the request body is larger than limits.request_body_bytes");
    return behind.size();
  }
  if (!head.chunked && length <= limits.body_memory_bytes &&
      static_cast<size_t>(length) <= behind.size()) {
    run(head, {.memory = behind.substr(0, static_cast<size_t>(length)),
               .file = nullptr,
               .bytes = length});
    return static_cast<size_t>(length);
  }
  return begin_body(head, head_bytes, behind);
}

size_t Http1Connection::begin_body(const http::RequestHead& head, std::string_view head_bytes,
                                   std::string_view behind) {
  body_ = std::make_unique<BodyReading>(thread_.rules()->config.limits, thread_.count());
  body_->head = head_bytes;
  body_->chunked = head.chunked;
  body_->left = head.chunked ? 0 : head.content_length;
  state_ = State::body;
  body_->pace.begin(thread_.now());
  thread_.body_timeouts.arm(*this, thread_.now());
  if (head.expect_continue && behind.empty()) {
    keep_unsent(continue_line);
    if (!flush() && state_ == State::closed) return 0;
  }
  return take_body(behind);
}

bool Http1Connection::read_body() {
  if (!unread().empty()) {
    const size_t used = take_body(unread());
    if (state_ == State::closed) return false;
    use(used);
    return true;
  }
  const std::string_view received = receive();
  if (received.empty()) return false;
  body_->pace.add(received.size());
  if (body_->pace.is_too_slow(thread_.rules()->config.limits.body_rate_min, thread_.now())) {
    thread_.count().limit_body_rate.add();
    refuse(408, "the request body came more slowly than limits.body_rate_min");
    return state_ != State::closed;
  }
  thread_.body_timeouts.arm(*this, thread_.now());
  const size_t used = take_body(received);
  if (state_ == State::closed) return false;
  unread_.assign(received.substr(used));
  unread_used_ = 0;
  return true;
}

size_t Http1Connection::take_body(std::string_view bytes) {
  size_t used = 0;
  if (!body_->chunked) {
    used = std::min<size_t>(bytes.size(), static_cast<size_t>(body_->left));
    if (!is_stored(body_->stored.append(bytes.substr(0, used)))) return bytes.size();
    body_->left -= static_cast<i64>(used);
    if (body_->left == 0) body_complete();
    return used;
  }
  while (used < bytes.size()) {
    const auto outcome = body_->decoder.next(bytes.substr(used));
    used += outcome.consumed;
    switch (outcome.step) {
      case http::ChunkedDecoder::Step::data:
        if (!is_stored(body_->stored.append(outcome.data))) return bytes.size();
        break;
      case http::ChunkedDecoder::Step::need_more:
        return used;
      case http::ChunkedDecoder::Step::done:
        body_complete();
        return used;
      case http::ChunkedDecoder::Step::bad:
        thread_.count().bad_requests.add();
        refuse(400, "the chunked body is broken");
        return bytes.size();
    }
  }
  return used;
}

bool Http1Connection::is_stored(RequestBody::Stored stored) {
  if (stored == RequestBody::Stored::yes) return true;
  const Refusal refusal = refusal_of(stored);
  refuse(refusal.status, refusal.why);
  return false;
}

void Http1Connection::body_complete() {
  disarm();
  if (!is_stored(body_->stored.complete())) return;
  const std::unique_ptr<BodyReading> body = std::move(body_);
  http::RequestHead head;
  size_t used = 0, scanned = 0;
  const http::Parsed parsed =
      http::parse_request(body->head, thread_.shared().request_limits, head, used, scanned);
  CHECK(parsed == http::Parsed::done);  // it was parsed before
  run(head, body->stored.whole());
}

void Http1Connection::run(const http::RequestHead& head, const Body& body) {
  state_ = State::answering;
  exchange_.run(head, body);
}

void Http1Connection::refuse(int status, std::string_view why) {
  body_.reset();
  state_ = State::answering;
  exchange_.refuse(status, why);
}

void Http1Connection::refuse_unknown(int status, std::string_view why) {
  exchange_.begin(began_ns_);
  refuse(status, why);
}

// What is not used now is tried again when the worker or the client has caught up.
bool Http1Connection::read_tunnel() {
  const bool again = !unread().empty() || exchange_.holds_bytes();
  const std::string_view bytes = again ? unread() : receive();
  if (!again && bytes.empty()) return false;
  const size_t used = exchange_.take(bytes);
  push();
  if (state_ != State::answering) return state_ != State::closed;
  if (again) {
    use(used);
  } else if (used < bytes.size()) {
    unread_.assign(bytes.substr(used));
    unread_used_ = 0;
  }
  return unread().empty() && !exchange_.holds_bytes();
}

// After our side is shut: read on, so that the kernel does not answer the client's bytes with a
// reset that destroys the response before it was read (RFC 9112 section 9.6).
bool Http1Connection::discard_rest() {
  const std::string_view received = receive();
  if (received.empty()) return false;
  linger_bytes_ += static_cast<i64>(received.size());
  if (linger_bytes_ > linger_bytes_max) {
    close();
    return false;
  }
  return true;
}

void Http1Connection::on_timeout() {
  Counters& count = thread_.count();
  switch (state_) {
    case State::head:
      if (!head_begun_) {
        count.timeout_idle.add();
        end_idle();
      } else {
        count.timeout_head.add();
        refuse_unknown(408, "the request head took longer than limits.header_timeout");
      }
      break;
    case State::body:
      count.timeout_body.add();
      refuse(408, "the request body stopped for longer than limits.body_timeout");
      break;
    case State::answering:
      if (!has_unsent()) break;  // it was about bytes that have gone since
      count.timeout_write.add();
      lost();
      break;
    case State::sending:
      count.timeout_write.add();
      lost();
      break;
    case State::linger:
      close();
      break;
    case State::closed:
      break;
  }
  advance();
}

void Http1Connection::drain() {
  keep_alive_ = false;
  if (tunnel_ && state_ == State::answering) {
    exchange_.drain();
    push();
    advance();
  }
  if (state_ != State::head || head_begun_) return;
  // A request that is on its way already is served: look once before closing.
  readable_ = true;
  advance();
  if (state_ != State::head || head_begun_) return;
  if (answered_) {
    end_idle();
  } else {
    // Accepted a moment ago: its first request may be on its way.
    thread_.linger_timeouts.arm(*this, thread_.now());
  }
}

void Http1Connection::lost() {
  if (state_ == State::closed) return;
  const bool has_request = state_ == State::answering || state_ == State::sending;
  const u64 unsent = unsent_.size() - unsent_used_ + static_cast<u64>(file_left_);
  close();
  if (has_request) exchange_.client_gone(unsent);
}

void Http1Connection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  end_connection();
}

}  // namespace labcoat::edge
