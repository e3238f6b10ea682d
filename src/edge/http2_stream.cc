#include "edge/http2_stream.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include "base/check.h"
#include "edge/edge_thread.h"
#include "edge/http2_connection.h"

namespace labcoat::edge {
namespace {

// A stream may always hold this much of its response, so that others that hold a lot and are not
// read cannot stop it; beyond that all streams of a connection share one bound.
constexpr size_t own_buffer_bytes = 16 * 1024;
// A file up to this size is read at once: then it is done with.
constexpr i64 small_file_bytes = 16 * 1024;

// False: the file ends before.
bool read_exactly(int file, i64 offset, size_t bytes, char* out) {
  while (bytes > 0) {
    const ssize_t got = ::pread(file, out, bytes, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    out += got;
    offset += got;
    bytes -= static_cast<size_t>(got);
  }
  return true;
}

}  // namespace

Http2Stream::Http2Stream(Http2Connection& connection, EdgeThread& thread,
                         const clients::Client& client, http2::StreamId id)
    : http2::Stream(id),
      connection_(connection),
      thread_(thread),
      buffer_(PoolAllocator<char>(thread.blocks())),
      exchange_(thread, client, *this) {}

Http2Stream::~Http2Stream() = default;

void Http2Stream::take_head(Http2Head& head, bool end_of_request, i64 began_ns) {
  request_whole_ = end_of_request;
  http::RequestHead request;
  const Http2Head::Verdict verdict = head.finish(thread_.shared().request_limits, request);
  const bool needs_body = end_of_request && request.content_length > 0;
  if (verdict == Http2Head::Verdict::malformed || needs_body) {
    connection_.reset_malformed(*this);
    return;
  }
  exchange_.begin(began_ns);
  if (verdict == Http2Head::Verdict::refused) {
    const bool limit = request.status == 414 || request.status == 431;
    (limit ? thread_.count().limit_request_head : thread_.count().bad_requests).add();
    refuse(request.status, request.why);
    return;
  }
  thread_.count().requests.add();
  exchange_.note(request);
  connects_ = request.connects_websocket;
  if (connects_ && end_of_request) {
    refuse(400, "a WebSocket needs a client that goes on: CONNECT with END_STREAM");
    return;
  }
  if (!connects_) expect_body(request.content_length);
  if (end_of_request || connects_) {
    state_ = State::answering;
    exchange_.run(request, {});
  } else {
    begin_body(head, request);
  }
}

void Http2Stream::begin_body(Http2Head& head, const http::RequestHead& request) {
  const config::Limits& limits = thread_.rules()->config.limits;
  if (request.content_length > limits.request_body_bytes) {
    thread_.count().limit_request_body.add();
    refuse(413, "the request body is larger than limits.request_body_bytes");
    return;
  }
  if (request.expect_continue) connection_.submit_continue(*this);
  state_ = State::body;
  body_ = std::make_unique<BodyReading>(limits, thread_.count());
  body_->head = std::move(head);
  body_->pace.begin(thread_.now());
  thread_.body_timeouts.arm(*this, thread_.now());
}

// What is not used now is tried again when the worker or the client has caught up; until then the
// stream's window stays closed by as much.
void Http2Stream::feed_tunnel() {
  if (!exchange_.is_websocket() || (tunnelled_.empty() && !exchange_.holds_bytes())) return;
  const size_t used = exchange_.take(tunnelled_);
  tunnelled_.erase(0, used);
  if (used > 0) connection_.reopen_window(*this, used);
}

bool Http2Stream::take_data(std::string_view bytes) {
  if (connects_ && state_ == State::answering) {
    tunnelled_.append(bytes);
    feed_tunnel();
    return false;
  }
  if (state_ != State::body) return false;
  body_->pace.add(bytes.size());
  if (body_->pace.is_too_slow(thread_.rules()->config.limits.body_rate_min, thread_.now())) {
    thread_.count().limit_body_rate.add();
    refuse(408, "the request body came more slowly than limits.body_rate_min");
    return false;
  }
  thread_.body_timeouts.arm(*this, thread_.now());
  return is_stored(body_->stored.append(bytes));
}

void Http2Stream::end_of_request() {
  request_whole_ = true;
  if (connects_ && state_ == State::answering) exchange_.client_ended();
  if (state_ != State::body) return;
  disarm();
  if (!is_stored(body_->stored.complete())) return;
  state_ = State::answering;
  const std::unique_ptr<BodyReading> body = std::move(body_);
  http::RequestHead request;
  const auto verdict = body->head.finish(thread_.shared().request_limits, request);
  CHECK(verdict == Http2Head::Verdict::good);  // it was before
  exchange_.run(request, body->stored.whole());
}

bool Http2Stream::is_stored(RequestBody::Stored stored) {
  if (stored == RequestBody::Stored::yes) return true;
  const Refusal refusal = refusal_of(stored);
  refuse(refusal.status, refusal.why);
  return false;
}

void Http2Stream::refuse(int status, std::string_view why) {
  disarm();
  body_.reset();
  state_ = State::answering;
  exchange_.refuse(status, why);
}

void Http2Stream::on_timeout() {
  if (state_ == State::body) {
    thread_.count().timeout_body.add();
    refuse(408, "the request body stopped for longer than limits.body_timeout");
    connection_.come_back();
  } else if (unsent() > 0) {
    connection_.stalled(*this);
  }
}

void Http2Stream::wait_on() {
  thread_.write_timeouts.arm(*this, thread_.now());
}

void Http2Stream::send_hints(const answer::Response& response) {
  connection_.submit_hints(*this, response);
}

void Http2Stream::send_head(const answer::Response& response) {
  connection_.submit_head(*this, response, exchange_.is_head_request());
}

void Http2Stream::send_data(std::string_view a, std::string_view b) {
  if (buffer_used_ > 0 && buffer_used_ >= buffer_.size() / 2) {
    buffer_.erase(0, buffer_used_);
    buffer_used_ = 0;
  }
  buffer_.append(a).append(b);
  connection_.note_buffered(static_cast<i64>(a.size() + b.size()));
  note_unsent();
}

void Http2Stream::send_file(answer::SharedFile file, i64 offset, i64 bytes) {
  if (bytes <= small_file_bytes) {
    const size_t before = buffer_.size();
    buffer_.resize(before + static_cast<size_t>(bytes));
    if (read_exactly(file->fd(), offset, static_cast<size_t>(bytes), buffer_.data() + before)) {
      connection_.note_buffered(bytes);
      note_unsent();
      return;
    }
    buffer_.resize(before);  // shorter than it was: found out again when its turn comes
  }
  file_ = std::move(file);
  file_offset_ = offset;
  file_left_ = bytes;
  note_unsent();
}

void Http2Stream::send_trailers(const answer::Response& response) {
  for (const http::Field& field : response.fields) trailers_.emplace_back(field.name, field.value);
}

void Http2Stream::end() {
  wants_turn_ = gave_way_ = false;
  state_ = State::ended;
  if (!detached_) {
    if (unsent() == 0) say_end();
    return;
  }
  exchange_.sent();
  connection_.forget(*this);
}

void Http2Stream::say_end() {
  if (is_closed()) return;
  if (broken_) {
    connection_.reset(*this, http2::ErrorCode::internal_error);
  } else if (trailers_.empty()) {
    connection_.finish(*this);
  } else {
    write_trailers();
  }
}

void Http2Stream::write_trailers() {
  connection_.submit_trailers(*this, trailers_);
}

void Http2Stream::break_off() {
  broken_ = true;
  end();
}

bool Http2Stream::wants_more() {
  if (state_ != State::answering) return false;
  const auto shared_bound =
      static_cast<size_t>(thread_.rules()->config.limits.response_buffer_bytes);
  const bool room = buffered() < own_buffer_bytes || connection_.buffered() < shared_bound;
  if (file_left_ == 0 && room) return true;
  if (!room && !wants_turn_) thread_.count().limit_response_buffer.add();
  wants_turn_ = true;
  connection_.note_turn();
  return false;
}

bool Http2Stream::take_turn() {
  // A worker that waits is woken for something worth the while.
  const bool room = file_left_ == 0 && buffered() <= own_buffer_bytes / 2;
  if (!room && !gave_way_) return false;
  wants_turn_ = gave_way_ = false;
  exchange_.go_on();
  feed_tunnel();
  return true;
}

void Http2Stream::settle() {
  feed_tunnel();
  connection_.come_back();
}

void Http2Stream::give_way() {
  wants_turn_ = gave_way_ = true;
  connection_.note_turn();
  connection_.come_back();
}

void Http2Stream::note_unsent() {
  if (unsent() == 0) return;
  connection_.wake(*this);
  if (!write_pace_.has_begun()) {
    write_pace_.begin(thread_.now());
    connection_had_ = connection_.body_bytes();
    begin_waiting(send_window());
  }
  if (queue() == nullptr) thread_.write_timeouts.arm(*this, thread_.now());
}

void Http2Stream::begin_waiting(i64 window) {
  waits_since_ns_ = thread_.now();
  connection_had_then_ = connection_.body_bytes();
  waits_for_turn_ = window > 0;
}

// While its client took more urgent streams, it was not slow with this one.
void Http2Stream::forgive_waiting() {
  const i64 waited = thread_.now() - waits_since_ns_;
  const u64 moved = connection_.body_bytes() - connection_had_then_;
  const i64 rate = thread_.rules()->config.limits.write_rate_min;
  if (!waits_for_turn_ || clients::Pace::is_below(moved, rate, waited / ms)) return;
  write_pace_.forgive(waited);
  connection_had_ += moved;
}

// A stream may have to wait for others of its connection: it is slow by its client's fault when its
// own window is what holds it, or when all of them together are slow.
bool Http2Stream::is_too_slow(size_t frame_bytes) const {
  const i64 rate = thread_.rules()->config.limits.write_rate_min;
  if (!write_pace_.is_too_slow(rate, thread_.now())) return false;
  // The frame is taken off the window when it is whole.
  return send_window() <= static_cast<i64>(frame_bytes) ||
         write_pace_.is_too_slow(connection_.body_bytes() - connection_had_, rate, thread_.now());
}

http2::Stream::Fill Http2Stream::fill(size_t room, std::string& out) {
  const auto all = static_cast<u64>(unsent());
  const auto bytes = static_cast<size_t>(std::min<u64>(room, all));
  if (bytes > 0 && !append_payload(bytes, out)) return Fill::broken;
  if (bytes < all) return Fill::more;
  if (state_ != State::ended) return Fill::pause;
  if (broken_) {
    connection_.reset(*this, http2::ErrorCode::internal_error);
    return Fill::pause;
  }
  return trailers_.empty() ? Fill::end : Fill::trailers;
}

// False: its file is not what it was, and `out` is spoilt.
bool Http2Stream::append_payload(size_t bytes, std::string& out) {
  const size_t from_buffer = std::min(bytes, buffered());
  const size_t from_file = bytes - from_buffer;
  const size_t before = out.size();
  out.append(buffer_.data() + buffer_used_, from_buffer);
  if (from_file > 0) {
    // Once in a batch of events is often enough.
    const bool is_new = std::exchange(file_asked_ns_, thread_.now()) != thread_.now();
    if (is_new && !file_->is_as_told()) return false;
    out.resize(before + bytes);
    if (!read_exactly(file_->fd(), file_offset_, from_file, out.data() + before + from_buffer)) {
      return false;
    }
    file_offset_ += static_cast<i64>(from_file);
    file_left_ -= static_cast<i64>(from_file);
    if (file_left_ == 0) file_.reset();
  }
  buffer_used_ += from_buffer;
  if (buffered() == 0) {
    buffer_.clear();
    buffer_used_ = 0;
  }
  connection_.note_buffered(-static_cast<i64>(from_buffer));
  forgive_waiting();
  connection_.note_data(bytes);
  write_pace_.add(bytes);
  begin_waiting(send_window() - static_cast<i64>(bytes));
  if (unsent() == 0) write_pace_.end();
  // A client that takes something now and then is slow, not dead.
  if (unsent() > 0) {
    if (is_too_slow(bytes)) connection_.drop_slow(*this);
    thread_.write_timeouts.arm(*this, thread_.now());
  } else {
    disarm();
  }
  return true;
}

bool Http2Stream::closed() {
  disarm();
  connection_.note_buffered(-static_cast<i64>(buffered()));
  switch (state_) {
    case State::head:
    case State::body:
      return true;
    case State::answering:
      // The client has all it asked for; the worker is still at it.
      detached_ = has_said_end();
      if (!detached_) exchange_.client_gone(static_cast<u64>(unsent()));
      return !detached_;
    case State::ended:
      if (broken_ || has_said_end()) {
        exchange_.sent();
      } else {
        exchange_.client_gone(static_cast<u64>(unsent()));
      }
      return true;
  }
  return true;
}

void Http2Stream::connection_lost() {
  disarm();
  if (state_ == State::ended && has_said_end()) {
    exchange_.sent();
  } else if (state_ == State::answering || state_ == State::ended) {
    exchange_.client_gone(static_cast<u64>(unsent()));
  }
}

}  // namespace labcoat::edge
