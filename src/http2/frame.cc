#include "http2/frame.h"

namespace labcoat::http2 {
namespace {

void append_u32(u32 value, std::string& out) {
  char bytes[4];
  write_u32(value, bytes);
  out.append(bytes, sizeof bytes);
}

void append_head(const FrameHead& head, std::string& out) {
  char bytes[frame_head_bytes];
  write_frame_head(head, bytes);
  out.append(bytes, sizeof bytes);
}

}  // namespace

bool strip_padding(const FrameHead& head, std::string_view& payload) {
  if (!head.has(frame_flag::padded)) return true;
  if (payload.empty()) return false;
  const auto padding = static_cast<u8>(payload[0]);
  payload.remove_prefix(1);
  if (padding > payload.size()) return false;
  payload.remove_suffix(padding);
  return true;
}

void append_frame(const FrameHead& head, std::string_view payload, std::string& out) {
  append_head(head, out);
  out.append(payload);
}

void append_settings(const Setting* settings, size_t count, std::string& out) {
  constexpr u32 setting_bytes = 6;
  append_head({static_cast<u32>(count) * setting_bytes, FrameType::settings, 0, 0}, out);
  for (size_t i = 0; i < count; ++i) {
    const auto id = static_cast<u32>(settings[i].id);
    out.push_back(static_cast<char>(id >> 8));
    out.push_back(static_cast<char>(id));
    append_u32(settings[i].value, out);
  }
}

void append_settings_ack(std::string& out) {
  append_head({0, FrameType::settings, frame_flag::ack, 0}, out);
}

void append_ping(u64 opaque, bool ack, std::string& out) {
  append_head({8, FrameType::ping, ack ? frame_flag::ack : u8{0}, 0}, out);
  append_u32(static_cast<u32>(opaque >> 32), out);
  append_u32(static_cast<u32>(opaque), out);
}

void append_goaway(StreamId last, ErrorCode code, std::string& out) {
  append_head({8, FrameType::goaway, 0, 0}, out);
  append_u32(last, out);
  append_u32(static_cast<u32>(code), out);
}

void append_rst_stream(StreamId stream, ErrorCode code, std::string& out) {
  append_head({4, FrameType::rst_stream, 0, stream}, out);
  append_u32(static_cast<u32>(code), out);
}

void append_window_update(StreamId stream, u32 increment, std::string& out) {
  append_head({4, FrameType::window_update, 0, stream}, out);
  append_u32(increment, out);
}

void close_header_block(StreamId stream, bool end_stream, size_t at, std::string& out) {
  FrameHead head;
  head.type = FrameType::headers;
  head.flags = end_stream ? frame_flag::end_stream : u8{0};
  head.stream = stream;
  size_t left = out.size() - at - frame_head_bytes;
  // Rare: heads of more than 16 KiB. Room for one more head after the other.
  while (left > frame_bytes_max) {
    head.length = frame_bytes_max;
    write_frame_head(head, out.data() + at);
    at += frame_head_bytes + frame_bytes_max;
    left -= frame_bytes_max;
    out.insert(at, frame_head_bytes, '\0');
    head.type = FrameType::continuation;
    head.flags = 0;
  }
  head.length = static_cast<u32>(left);
  head.flags |= frame_flag::end_headers;
  write_frame_head(head, out.data() + at);
}

}  // namespace labcoat::http2
