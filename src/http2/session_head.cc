// Header blocks: put together, decoded whatever becomes of them (the table of HPACK is the
// connection's), and told as a request or as its trailers.
#include <algorithm>

#include "http2/session.h"

namespace labcoat::http2 {
namespace {

// Of one head: 32 KiB, a usual limit, fit into three frames of the usual size.
constexpr u32 continuations_max = 8;
constexpr size_t priority_bytes = 5;  // in front of the block, with the flag

// For a block that only has to be decoded.
class NobodysSink final : public FieldSink {
 public:
  bool on_field(std::string_view, std::string_view) override { return false; }
};

}  // namespace

void Session::on_headers(const FrameHead& head, std::string_view payload) {
  if (!strip_padding(head, payload)) return fail(ErrorCode::protocol_error);
  block_.head = head;
  block_.depends_on_itself = false;
  block_.continuations = 0;
  if (head.has(frame_flag::priority)) {
    if (payload.size() < priority_bytes) return fail(ErrorCode::frame_size_error);
    block_.depends_on_itself = (read_u32(payload.data()) & stream_id_max) == head.stream;
    payload.remove_prefix(priority_bytes);
  }
  if (head.has(frame_flag::end_headers)) return on_block(payload);
  block_.open = true;
  block_.bytes.assign(payload);
}

void Session::on_continuation(const FrameHead& head, std::string_view payload) {
  if (++block_.continuations > continuations_max ||
      block_.bytes.size() + payload.size() > options_.block_bytes_max) {
    events_.on_endless_head();
    terminate(ErrorCode::enhance_your_calm);  // if the owner has not done so
    return;
  }
  block_.bytes.append(payload);
  if (!head.has(frame_flag::end_headers)) return;
  block_.open = false;
  on_block(block_.bytes);
  block_.bytes.clear();
}

// False: the connection has ended.
bool Session::decode(std::string_view block, FieldSink& sink) {
  if (decoder_.decode(block, sink) == HpackDecoder::Outcome::broken) {
    fail(ErrorCode::compression_error);
  }
  return !ending_;
}

void Session::on_block(std::string_view block) {
  const StreamId id = block_.head.stream;
  Stream* const stream = streams_.find(id);
  NobodysSink nobody;
  if (stream != nullptr && !stream->closed_ && !stream->heard_end_) {
    take_trailers(*stream, block);
  } else if (stream != nullptr) {
    // Section 5.1, half-closed (remote); or it was reset a moment ago.
    if (decode(block, nobody)) fault(*stream, ErrorCode::stream_closed, Fault::framing);
  } else if (id > last_stream_) {
    begin_request(block);
  } else if (was_reset(id)) {
    decode(block, nobody);
  } else {
    // Section 5.1.1: numbers do not go down; section 5.1: what is closed stays closed. Which of the
    // two it is can only be told where none was left out.
    fail(skipped_ids_ ? ErrorCode::protocol_error : ErrorCode::stream_closed);
  }
}

void Session::begin_request(std::string_view block) {
  NobodysSink nobody;
  const StreamId id = block_.head.stream;
  if (id > last_stream_ + (last_stream_ == 0 ? 1 : 2)) skipped_ids_ = true;
  last_stream_ = id;
  if (takes_no_more_) {
    // Section 6.8: GOAWAY has told that it would not be answered.
    decode(block, nobody);
    return;
  }
  last_taken_ = id;
  if (streams_.size() + ends_pending_ >= options_.streams_max || block_.depends_on_itself) {
    if (!decode(block, nobody)) return;
    events_.on_fault(block_.depends_on_itself ? Fault::framing : Fault::refused);
    reset_id(id, block_.depends_on_itself ? ErrorCode::protocol_error : ErrorCode::refused_stream);
    return;
  }
  if (!decode(block, events_.begin_fields(/*trailers=*/false))) return;
  Stream& stream = events_.open(id);
  streams_.add(stream);
  stream.send_window_ = SendWindow(stream_window_);
  stream.receive_window_ = ReceiveWindow(stream_receive_bytes);
  stream.heard_end_ = block_.head.has(frame_flag::end_stream);
  const auto early = std::find_if(early_priorities_.begin(), early_priorities_.end(),
                                  [&](const EarlyPriority& one) { return one.id == id; });
  if (early != early_priorities_.end()) {
    stream.priority_ = early->priority;
    stream.priority_updated_ = true;
    early_priorities_.erase(early);
  }
  events_.on_request(stream, stream.heard_end_);
}

void Session::take_trailers(Stream& stream, std::string_view block) {
  if (!decode(block, events_.begin_fields(/*trailers=*/true))) return;
  if (stream.closed_) return;
  // Section 8.1: the second head of a request ends it.
  const bool ends = block_.head.has(frame_flag::end_stream) && !block_.depends_on_itself;
  if (!ends || !events_.on_trailers(stream)) {
    return fault(stream, ErrorCode::protocol_error, Fault::malformed);
  }
  end_of_request(stream);
}

}  // namespace labcoat::http2
