// The session's life, and what it writes.
#include "http2/session.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace labcoat::http2 {
namespace {

constexpr size_t kept_capacity_max = 4096;
constexpr u64 end_is_near = 0x647261696e696e67;  // "draining"

void give_back(std::string& bytes) {
  if (bytes.empty() && bytes.capacity() > kept_capacity_max) bytes = std::string();
}

}  // namespace

Session::Session(SessionEvents& events, const Options& options)
    : events_(events), options_(options), receive_window_(connection_receive_bytes) {
  const Setting settings[] = {
      {SettingId::max_concurrent_streams, options.streams_max},
      {SettingId::initial_window_size, stream_receive_bytes},
      {SettingId::max_header_list_size, options.header_bytes_max},
      {SettingId::no_rfc7540_priorities, 1},
      {SettingId::enable_connect_protocol, 1},
  };
  append_settings(settings, std::size(settings), pending_);
  append_window_update(0, connection_receive_bytes - static_cast<u32>(initial_window), pending_);
}

bool Session::is_over() const {
  if (ending_) return last_word_ == 0;
  if (!pending_.empty()) return false;
  return (takes_no_more_ || heard_goaway_) && streams_.size() == 0;
}

void Session::shrink() {
  give_back(kept_);
  give_back(pending_);
  give_back(block_.bytes);
}

void Session::write(std::string& out, size_t enough) {
  for (;;) {
    bury();
    if (ending_) break;
    out.append(pending_);
    pending_.clear();
    ends_pending_ = 0;
    if (out.size() >= enough || send_window_.left() <= 0) return;
    Stream* const stream = queue_.front();
    if (stream == nullptr) return;
    write_data(*stream, out);
  }
  out.append(pending_, 0, std::exchange(last_word_, 0));
  pending_.clear();
}

void Session::write_data(Stream& stream, std::string& out) {
  const i64 window = std::min(send_window_.left(), stream.send_window_.left());
  const auto room = static_cast<size_t>(std::min<i64>(window, frame_bytes_max));
  const size_t at = out.size();
  out.append(frame_head_bytes, '\0');
  const Stream::Fill fill = stream.fill(room, out);
  const size_t bytes = out.size() - at - frame_head_bytes;
  CHECK(bytes <= room && (bytes > 0 || fill != Stream::Fill::more));
  if (fill == Stream::Fill::broken) {
    out.resize(at);
    reset(stream, ErrorCode::internal_error);
    return;
  }
  send_window_.spend(bytes);
  stream.send_window_.spend(bytes);
  // It may have been reset meanwhile; that frame follows.
  const bool ends = fill == Stream::Fill::end && !stream.closed_;
  if (bytes > 0 || ends) {
    const u8 flags = ends ? frame_flag::end_stream : u8{0};
    write_frame_head({static_cast<u32>(bytes), FrameType::data, flags, stream.id_}, &out[at]);
  } else {
    out.resize(at);
  }
  if (stream.closed_) return;
  if (fill == Stream::Fill::more && stream.send_window_.left() > 0) {
    queue_.rotate(stream);
    return;
  }
  queue_.remove(stream);
  if (fill == Stream::Fill::pause) stream.ready_ = false;
  if (fill == Stream::Fill::end) say_end(stream);
  if (fill == Stream::Fill::trailers) stream.write_trailers();
}

void Session::begin_head() {
  head_at_ = pending_.size();
  pending_.append(frame_head_bytes, '\0');
  encoder_.begin(pending_);
}

void Session::end_head(Stream& stream, bool end_stream) {
  CHECK(!stream.closed_ && !stream.said_end_);
  close_header_block(stream.id_, end_stream, head_at_, pending_);
  if (end_stream) say_end(stream);
}

void Session::wake(Stream& stream) {
  if (stream.closed_ || stream.said_end_) return;
  stream.ready_ = true;
  enqueue(stream);
}

void Session::enqueue(Stream& stream) {
  if (stream.ready_ && !stream.queued_ && stream.send_window_.left() > 0) queue_.add(stream);
}

void Session::finish(Stream& stream) {
  if (stream.closed_ || stream.said_end_) return;
  append_frame({0, FrameType::data, frame_flag::end_stream, stream.id_}, {}, pending_);
  say_end(stream);
}

void Session::say_end(Stream& stream) {
  stream.said_end_ = true;
  stream.ready_ = false;
  if (stream.heard_end_) {
    ++ends_pending_;
    close(stream);
  } else {
    // RFC 9113 section 8.1: the answer is complete, the rest of the request is not needed.
    reset(stream, ErrorCode::no_error);
  }
}

void Session::reset(Stream& stream, ErrorCode code) {
  if (stream.closed_) return;
  ++ends_pending_;
  close(stream);
  reset_id(stream.id_, code);
}

void Session::reset_id(StreamId id, ErrorCode code) {
  append_rst_stream(id, code, pending_);
  if (resets_.size() < resets_remembered) {
    resets_.push_back(id);
  } else {
    resets_[resets_at_++ % resets_remembered] = id;
  }
  events_.on_reset_said(code);
}

// Or GOAWAY has said that nothing would come of it.
bool Session::was_reset(StreamId id) const {
  return id > last_taken_ || std::find(resets_.begin(), resets_.end(), id) != resets_.end();
}

void Session::consume(Stream& stream, size_t bytes) {
  if (stream.closed_ || stream.heard_end_) return;
  const u32 increment = stream.receive_window_.give_back(bytes);
  if (increment > 0) append_window_update(stream.id_, increment, pending_);
}

void Session::return_window(size_t bytes) {
  const u32 increment = receive_window_.give_back(bytes);
  if (increment > 0) append_window_update(0, increment, pending_);
}

// Who is told of it is in the middle of something; so the stream goes later.
void Session::close(Stream& stream) {
  stream.closed_ = true;
  stream.ready_ = false;
  if (stream.queued_) queue_.remove(stream);
  if (closed_last_ == nullptr) {
    closed_first_ = &stream;
  } else {
    closed_last_->next_ = &stream;
  }
  closed_last_ = &stream;
}

void Session::bury() {
  while (closed_first_ != nullptr) {
    Stream& stream = *closed_first_;
    closed_first_ = stream.next_;
    if (closed_first_ == nullptr) closed_last_ = nullptr;
    stream.next_ = nullptr;
    streams_.remove(stream);
    events_.on_closed(stream);
  }
}

void Session::fail(ErrorCode code) {
  if (ending_) return;
  events_.on_fault(Fault::framing);
  terminate(code);
}

void Session::fault(Stream& stream, ErrorCode code, Fault fault) {
  if (stream.closed_) return;
  events_.on_fault(fault);
  reset(stream, code);
}

void Session::terminate(ErrorCode code) {
  if (ending_) return;
  ending_ = true;
  append_goaway(last_taken_, code, pending_);
  last_word_ = pending_.size();
}

void Session::announce_end() {
  if (ending_ || takes_no_more_) return;
  append_goaway(stream_id_max, ErrorCode::no_error, pending_);
  append_ping(end_is_near, /*ack=*/false, pending_);
}

void Session::take_no_more() {
  if (ending_ || takes_no_more_) return;
  takes_no_more_ = true;
  append_goaway(last_taken_, ErrorCode::no_error, pending_);
}

}  // namespace labcoat::http2
