// Receiving: bytes to frames, whether a frame may stand where it stands, and DATA, which is passed
// on as it comes. Everything else is taken frame by frame, in place where it came in one piece.
#include <algorithm>

#include "http2/session.h"

namespace labcoat::http2 {
namespace {

// RFC 9113 section 6; of the types that have one length only.
bool is_right_length(const FrameHead& head) {
  switch (head.type) {
    case FrameType::priority:
      return head.length == 5;
    case FrameType::rst_stream:
    case FrameType::window_update:
      return head.length == 4;
    case FrameType::settings:
      return head.has(frame_flag::ack) ? head.length == 0 : head.length % 6 == 0;
    case FrameType::ping:
      return head.length == 8;
    case FrameType::goaway:
      return head.length >= 8;
    case FrameType::priority_update:
      return head.length >= 4;
    default:
      return true;
  }
}

// Of the types that belong to one side of this only; true for the others.
bool is_right_stream(const FrameHead& head) {
  switch (head.type) {
    case FrameType::data:
    case FrameType::headers:
    case FrameType::priority:
    case FrameType::rst_stream:
    case FrameType::continuation:
      return head.stream != 0;
    case FrameType::settings:
    case FrameType::ping:
    case FrameType::goaway:
    case FrameType::priority_update:
      return head.stream == 0;
    default:
      return true;
  }
}

}  // namespace

void Session::receive(std::string_view bytes) {
  bury();  // what was closed since, so that nothing is counted twice
  if (preface_left_ > 0) take_preface(bytes);
  while (!bytes.empty() && !ending_) {
    if (data_.open) {
      take_data(bytes);
    } else if (kept_.empty()) {
      const size_t used = take_frame(bytes);
      if (used == 0) {
        kept_.assign(bytes);
        break;
      }
      bytes.remove_prefix(used);
    } else {
      const size_t more = std::min(bytes.size(), wanted_ - kept_.size());
      kept_.append(bytes.substr(0, more));
      bytes.remove_prefix(more);
      if (kept_.size() == wanted_ && take_frame(kept_) > 0) kept_.clear();
    }
    bury();
  }
}

void Session::take_preface(std::string_view& bytes) {
  const size_t count = std::min(bytes.size(), preface_left_);
  const std::string_view expected =
      client_preface.substr(client_preface.size() - preface_left_, count);
  if (bytes.substr(0, count) != expected) {
    fail(ErrorCode::protocol_error);
    return;
  }
  preface_left_ -= count;
  bytes.remove_prefix(count);
}

// How many bytes the frame took that `bytes` begin with; of DATA only what comes before its bytes.
// 0: `wanted_` are needed.
size_t Session::take_frame(std::string_view bytes) {
  wanted_ = frame_head_bytes;
  if (bytes.size() < wanted_) return 0;
  const FrameHead head = read_frame_head(bytes.data());
  if (!admitted_) {
    if (!admit(head)) return bytes.size();
    admitted_ = true;
  }
  const bool is_data = head.type == FrameType::data;
  const bool padded_data = is_data && head.has(frame_flag::padded);
  wanted_ += is_data ? static_cast<size_t>(padded_data && head.length > 0) : head.length;
  if (bytes.size() < wanted_) return 0;
  const size_t used = wanted_;
  admitted_ = false;
  if (!is_data) {
    dispatch(head, bytes.substr(frame_head_bytes, head.length));
  } else if (!padded_data) {
    begin_data(head, 0);
  } else if (head.length == 0 || static_cast<u8>(bytes[frame_head_bytes]) >= head.length) {
    fail(ErrorCode::protocol_error);
  } else {
    begin_data(head, static_cast<u8>(bytes[frame_head_bytes]) + size_t{1});
  }
  return used;
}

// False: the connection ends.
bool Session::admit(const FrameHead& head) {
  const ErrorCode why = why_unfit(head);
  if (why != ErrorCode::no_error) {
    fail(why);
    return false;
  }
  events_.on_frame(head);
  return !ending_;
}

ErrorCode Session::why_unfit(const FrameHead& head) const {
  if (head.length > frame_bytes_max) return ErrorCode::frame_size_error;
  // Section 3.4: the preface has SETTINGS.
  const bool is_settings = head.type == FrameType::settings && !head.has(frame_flag::ack);
  if (!heard_settings_ && !is_settings) return ErrorCode::protocol_error;
  // Section 6.10: a header block is not interrupted.
  const bool goes_on = head.type == FrameType::continuation;
  if (block_.open != goes_on || (goes_on && head.stream != block_.head.stream)) {
    return ErrorCode::protocol_error;
  }
  if (!is_right_stream(head)) return ErrorCode::protocol_error;
  if (!is_right_length(head)) return ErrorCode::frame_size_error;
  switch (head.type) {
    case FrameType::push_promise:  // section 8.4: clients do not push
      return ErrorCode::protocol_error;
    case FrameType::headers:
      // Section 5.1.1: the even ones are ours.
      return (head.stream & 1) == 0 ? ErrorCode::protocol_error : ErrorCode::no_error;
    case FrameType::data:
    case FrameType::rst_stream:
    case FrameType::window_update:
      // Section 5.1: nothing happens on an idle stream.
      return head.stream != 0 && is_idle(head.stream) ? ErrorCode::protocol_error
                                                      : ErrorCode::no_error;
    default:
      return ErrorCode::no_error;
  }
}

void Session::dispatch(const FrameHead& head, std::string_view payload) {
  switch (head.type) {
    case FrameType::headers:
      return on_headers(head, payload);
    case FrameType::continuation:
      return on_continuation(head, payload);
    case FrameType::priority:
      return on_priority(head.stream, payload);
    case FrameType::rst_stream:
      return on_rst_stream(head.stream);
    case FrameType::settings:
      return on_settings(head, payload);
    case FrameType::ping:
      return on_ping(head, payload);
    case FrameType::goaway:
      heard_goaway_ = true;
      return;
    case FrameType::window_update:
      return on_window_update(head.stream, payload);
    case FrameType::priority_update:
      return on_priority_update(payload);
    default:
      return;  // section 5.5: what nobody knows is passed over
  }
}

// `padding`: with the byte that tells it, which has been read.
void Session::begin_data(const FrameHead& head, size_t padding) {
  // Section 6.9.1: padding counts.
  if (!receive_window_.take(head.length)) return fail(ErrorCode::flow_control_error);
  data_.head = head;
  data_.open = true;
  data_.left = head.length - padding;
  data_.padding_left = padding > 0 ? padding - 1 : 0;
  data_.brought_nothing = data_.left == 0 && !head.has(frame_flag::end_stream);
  return_window(padding);
  Stream* const stream = streams_.find(head.stream);
  if (stream == nullptr || stream->closed_) {
    data_.brought_nothing = true;
    // Section 5.1: whoever was reset may not know yet.
    if (stream == nullptr && !was_reset(head.stream)) {
      events_.on_fault(Fault::framing);
      reset_id(head.stream, ErrorCode::stream_closed);
    }
  } else if (stream->heard_end_) {
    fault(*stream, ErrorCode::stream_closed, Fault::framing);
  } else if (!stream->receive_window_.take(head.length)) {
    fault(*stream, ErrorCode::flow_control_error, Fault::framing);
  } else {
    consume(*stream, padding);
  }
  if (data_.left + data_.padding_left == 0) end_data();
}

void Session::take_data(std::string_view& bytes) {
  const std::string_view piece = bytes.substr(0, data_.left);
  bytes.remove_prefix(piece.size());
  data_.left -= piece.size();
  Stream* const stream = streams_.find(data_.head.stream);
  if (!piece.empty() && stream != nullptr && !stream->closed_) {
    // Section 8.1.1: as long as content-length said.
    const auto count = static_cast<i64>(piece.size());
    if (stream->body_left_ >= 0 && count > stream->body_left_) {
      fault(*stream, ErrorCode::protocol_error, Fault::malformed);
    } else {
      if (stream->body_left_ >= 0) stream->body_left_ -= count;
      const bool dealt_with = events_.on_data(*stream, piece);
      // Nothing will follow the last frame.
      if (dealt_with && !data_.head.has(frame_flag::end_stream)) consume(*stream, piece.size());
    }
  }
  // The connection's window is for what is under way; whoever stores bodies has bounds of his own.
  return_window(piece.size());
  const size_t padding = std::min(bytes.size(), data_.padding_left);
  bytes.remove_prefix(padding);
  data_.padding_left -= padding;
  if (data_.left + data_.padding_left == 0) end_data();
}

void Session::end_data() {
  data_.open = false;
  if (data_.brought_nothing) events_.on_empty_data();
  if (!data_.head.has(frame_flag::end_stream)) return;
  Stream* const stream = streams_.find(data_.head.stream);
  if (stream != nullptr && !stream->closed_) end_of_request(*stream);
}

void Session::end_of_request(Stream& stream) {
  stream.heard_end_ = true;
  if (stream.body_left_ > 0) return fault(stream, ErrorCode::protocol_error, Fault::malformed);
  events_.on_end_of_request(stream);
}

}  // namespace labcoat::http2
