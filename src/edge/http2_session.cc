// What the session tells the connection, and what the connection makes of it: streams begin, take
// their requests, and end; and everything a client may do that is no work is counted.
#include "edge/http2_connection.h"

namespace labcoat::edge {
namespace {

// A head is read on beyond the limit, so that it can be answered 431; up to here.
constexpr size_t head_overdraft = 4;
// What a request earns: its HEADERS, a priority, a cancellation, a window or two.
constexpr int earned_by_request = 5;
// And a DATA frame of ours: updates of its two windows.
constexpr int earned_by_data = 2;

Http2Stream& ours(http2::Stream& stream) {
  return static_cast<Http2Stream&>(stream);
}

}  // namespace

void Http2Connection::open_session() {
  const config::Limits& limits = thread_.rules()->config.limits;
  const auto header_bytes = static_cast<size_t>(limits.request_header_bytes);
  http2::SessionEvents& events = *this;
  streams_max_ = static_cast<u32>(limits.http2_streams);
  session_.emplace(events,
                   http2::Session::Options{.streams_max = streams_max_,
                                           .header_bytes_max = static_cast<u32>(header_bytes),
                                           .block_bytes_max = head_overdraft * header_bytes});
}

void Http2Connection::spend(Http2Budget& budget, Counter& counter) {
  if (!budget.spend(thread_.now())) calm(counter);
}

// Everything a client sends has to be paid, but bodies: they are what the connection is for.
void Http2Connection::on_frame(const http2::FrameHead& frame) {
  started_ = true;
  if (frame.type == http2::FrameType::headers) {
    active_ = true;
    head_began_ns_ = thread_.now();
  }
  if (frame.type != http2::FrameType::data) {
    spend(frames_, thread_.count().limit_http2_control_frames);
  }
}

void Http2Connection::on_empty_data() {
  spend(frames_, thread_.count().limit_http2_control_frames);
}

void Http2Connection::on_endless_head() {
  calm(thread_.count().limit_http2_head);
}

http2::FieldSink& Http2Connection::begin_fields(bool trailers) {
  trailers ? head_.begin_trailers() : head_.begin();
  return *this;
}

bool Http2Connection::on_field(std::string_view name, std::string_view value) {
  const http::RequestLimits& limits = thread_.shared().request_limits;
  head_.add(name, value, limits);
  // HPACK makes a short frame a long head, and a byte a field of four thousand.
  if (head_.list_bytes() <= head_overdraft * limits.header_bytes_max) return true;
  calm(thread_.count().limit_http2_head);
  return false;
}

http2::Stream& Http2Connection::open(http2::StreamId id) {
  Http2Stream& stream = streams_.emplace_back(*this, thread_, client_, id);
  stream.place = std::prev(streams_.end());
  return stream;
}

void Http2Connection::on_request(http2::Stream& stream, bool end_of_request) {
  frames_.earn(earned_by_request);
  // With those whose answer is complete and whose app works on: HEAD would be a way around the
  // limit.
  if (streams_.size() > streams_max_) {
    thread_.count().limit_http2_streams.add();
    session_->reset(stream, http2::ErrorCode::refused_stream);
    return;
  }
  if (!head_.priority().empty()) session_->prioritise(stream, head_.priority());
  ours(stream).take_head(head_, end_of_request, head_began_ns_);
  head_.shrink();
}

bool Http2Connection::on_trailers(http2::Stream&) {
  head_.shrink();
  return !head_.is_malformed();
}

void Http2Connection::on_end_of_request(http2::Stream& stream) {
  ours(stream).end_of_request();
}

// The windows open again as the bytes are stored; that of a stream only while they are wanted.
bool Http2Connection::on_data(http2::Stream& stream, std::string_view bytes) {
  return ours(stream).take_data(bytes);
}

void Http2Connection::note_data(size_t bytes) {
  body_bytes_ += bytes;
  last_data_ns_ = thread_.now();
  frames_.earn(earned_by_data);
}

void Http2Connection::on_reset_heard() {
  spend(resets_, thread_.count().limit_http2_resets);
}

// Whoever makes us reset its streams resets them.
void Http2Connection::on_reset_said(http2::ErrorCode code) {
  const bool provoked =
      code != http2::ErrorCode::no_error && code != http2::ErrorCode::internal_error;
  if (provoked) spend(resets_, thread_.count().limit_http2_resets);
}

void Http2Connection::on_pong() {
  say_last_stream();
}

void Http2Connection::on_fault(http2::Fault fault) {
  Counters& count = thread_.count();
  (fault == http2::Fault::refused     ? count.limit_http2_streams
   : fault == http2::Fault::malformed ? count.bad_requests
                                      : count.http2_errors)
      .add();
}

void Http2Connection::on_closed(http2::Stream& stream) {
  Http2Stream& closed = ours(stream);
  if (closed.closed()) streams_.erase(closed.place);
}

void Http2Connection::reset_malformed(Http2Stream& stream) {
  thread_.count().bad_requests.add();
  session_->reset(stream, http2::ErrorCode::protocol_error);
}

}  // namespace labcoat::edge
