// The frames that carry no message: settings, windows, priorities, pings and resets.
#include <algorithm>
#include <utility>

#include "http2/session.h"

namespace labcoat::http2 {
namespace {

constexpr size_t setting_bytes = 6;
// Of requests that are still to come.
constexpr size_t early_priorities_max = 16;

}  // namespace

void Session::on_settings(const FrameHead& head, std::string_view payload) {
  if (head.has(frame_flag::ack)) {
    if (std::exchange(heard_settings_ack_, true)) fail(ErrorCode::protocol_error);
    return;
  }
  heard_settings_ = true;
  const i64 window_before = stream_window_;
  for (; !payload.empty(); payload.remove_prefix(setting_bytes)) {
    const auto id = static_cast<SettingId>(read_u16(payload.data()));
    if (!apply({id, read_u32(payload.data() + 2)})) return;
  }
  // Once, whatever values there were on the way: a frame has room for thousands of them, and each
  // would go through all streams.
  if (stream_window_ != window_before && !shift_windows(stream_window_ - window_before)) {
    return fail(ErrorCode::flow_control_error);
  }
  append_settings_ack(pending_);
}

// Section 6.5.2. False: the connection has ended.
bool Session::apply(Setting setting) {
  const auto refuse = [&](ErrorCode code) {
    fail(code);
    return false;
  };
  const u32 value = setting.value;
  switch (setting.id) {
    case SettingId::header_table_size:
      encoder_.set_table_max(value);
      return true;
    case SettingId::enable_push:
    case SettingId::enable_connect_protocol:
      return value <= 1 || refuse(ErrorCode::protocol_error);
    case SettingId::initial_window_size:
      if (value > window_max) return refuse(ErrorCode::flow_control_error);
      stream_window_ = value;
      return true;
    case SettingId::max_frame_size:
      // What we send is never longer than everybody takes.
      return (value >= frame_bytes_max && value < 1u << 24) || refuse(ErrorCode::protocol_error);
    case SettingId::no_rfc7540_priorities:
      // RFC 9218 section 2.1: it stays what it is first.
      if (value > 1 || (no_priorities_ <= 1 && value != no_priorities_)) {
        return refuse(ErrorCode::protocol_error);
      }
      no_priorities_ = value;
      return true;
    default:
      return true;
  }
}

// Section 6.9.2. False: beyond what a window may be.
bool Session::shift_windows(i64 by) {
  bool good = true;
  streams_.for_each([&](Stream& stream) {
    good = stream.send_window_.grow(by) && good;
    if (by > 0) {
      enqueue(stream);
    } else if (stream.queued_ && stream.send_window_.left() <= 0) {
      queue_.remove(stream);
    }
  });
  return good;
}

void Session::on_window_update(StreamId id, std::string_view payload) {
  const i64 increment = read_u32(payload.data()) & static_cast<u32>(window_max);
  if (id == 0) {
    // Section 6.9 and 6.9.1.
    if (increment == 0) return fail(ErrorCode::protocol_error);
    if (!send_window_.grow(increment)) fail(ErrorCode::flow_control_error);
    return;
  }
  Stream* const stream = streams_.find(id);
  if (stream == nullptr || stream->closed_) return;
  if (increment == 0) return fault(*stream, ErrorCode::protocol_error, Fault::framing);
  if (!stream->send_window_.grow(increment)) {
    return fault(*stream, ErrorCode::flow_control_error, Fault::framing);
  }
  enqueue(*stream);
}

void Session::on_rst_stream(StreamId id) {
  events_.on_reset_heard();
  Stream* const stream = streams_.find(id);
  if (stream != nullptr && !stream->closed_) close(*stream);
}

// RFC 9113 section 5.3.2: the tree of RFC 7540 is history. What made no sense in it is still an
// error.
void Session::on_priority(StreamId id, std::string_view payload) {
  if ((read_u32(payload.data()) & stream_id_max) != id) return;
  Stream* const stream = streams_.find(id);
  if (stream != nullptr) fault(*stream, ErrorCode::protocol_error, Fault::framing);
}

void Session::on_priority_update(std::string_view payload) {
  const StreamId id = read_u32(payload.data()) & stream_id_max;
  // RFC 9218 section 7.1: not the connection, and nothing that was never promised.
  if ((id & 1) == 0) return fail(ErrorCode::protocol_error);
  Priority priority;
  if (!read_priority(payload.substr(4), priority)) return;
  Stream* const stream = streams_.find(id);
  if (stream != nullptr) {
    stream->priority_updated_ = true;
    change_priority(*stream, priority);
  } else if (id > last_stream_) {
    const auto known = std::find_if(early_priorities_.begin(), early_priorities_.end(),
                                    [&](const EarlyPriority& one) { return one.id == id; });
    if (known != early_priorities_.end()) {
      known->priority = priority;
      return;
    }
    if (early_priorities_.size() == early_priorities_max) {
      early_priorities_.erase(early_priorities_.begin());
    }
    early_priorities_.push_back({id, priority});
  }
}

void Session::prioritise(Stream& stream, std::string_view field) {
  Priority priority = stream.priority_;
  if (stream.priority_updated_ || !read_priority(field, priority)) return;
  change_priority(stream, priority);
}

void Session::change_priority(Stream& stream, const Priority& priority) {
  const bool queued = stream.queued_;
  if (queued) queue_.remove(stream);
  stream.priority_ = priority;
  if (queued) queue_.add(stream);
}

void Session::on_ping(const FrameHead& head, std::string_view payload) {
  if (head.has(frame_flag::ack)) {
    events_.on_pong();
  } else {
    append_ping(read_u64(payload.data()), /*ack=*/true, pending_);
  }
}

}  // namespace labcoat::http2
