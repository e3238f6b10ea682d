// Frames of HTTP/2 (RFC 9113 section 4 and 6): their heads as numbers, and the short ones that we
// write. What they mean to a connection is the session's business.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace labcoat::http2 {

using StreamId = u32;

constexpr size_t frame_head_bytes = 9;
// Of a payload, as long as nobody has said otherwise with SETTINGS_MAX_FRAME_SIZE; we never do.
constexpr u32 frame_bytes_max = 16384;
constexpr StreamId stream_id_max = 0x7fffffff;
constexpr i64 window_max = 0x7fffffff;
constexpr i64 initial_window = 65535;

enum class FrameType : u8 {
  data = 0,
  headers = 1,
  priority = 2,
  rst_stream = 3,
  settings = 4,
  push_promise = 5,
  ping = 6,
  goaway = 7,
  window_update = 8,
  continuation = 9,
  priority_update = 16,  // RFC 9218 section 7.1
};

namespace frame_flag {
constexpr u8 ack = 1;         // of SETTINGS and PING
constexpr u8 end_stream = 1;  // of DATA and HEADERS
constexpr u8 end_headers = 4;
constexpr u8 padded = 8;
constexpr u8 priority = 32;
}  // namespace frame_flag

// RFC 9113 section 7.
enum class ErrorCode : u32 {
  no_error = 0,
  protocol_error = 1,
  internal_error = 2,
  flow_control_error = 3,
  settings_timeout = 4,
  stream_closed = 5,
  frame_size_error = 6,
  refused_stream = 7,
  cancel = 8,
  compression_error = 9,
  connect_error = 10,
  enhance_your_calm = 11,
};

// RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1.
enum class SettingId : u16 {
  header_table_size = 1,
  enable_push = 2,
  max_concurrent_streams = 3,
  initial_window_size = 4,
  max_frame_size = 5,
  max_header_list_size = 6,
  enable_connect_protocol = 8,
  no_rfc7540_priorities = 9,
};
struct Setting {
  SettingId id;
  u32 value;
};

struct FrameHead {
  u32 length = 0;  // of the payload
  FrameType type = FrameType::data;
  u8 flags = 0;
  StreamId stream = 0;

  bool has(u8 flag) const { return (flags & flag) != 0; }
};

// Big-endian, as everything is.
inline u32 read_u16(const char* at) {
  const auto byte = [at](int i) { return static_cast<u32>(static_cast<u8>(at[i])); };
  return byte(0) << 8 | byte(1);
}
inline u32 read_u32(const char* at) {
  return read_u16(at) << 16 | read_u16(at + 2);
}
inline u64 read_u64(const char* at) {
  return u64{read_u32(at)} << 32 | read_u32(at + 4);
}
inline void write_u32(u32 value, char* at) {
  at[0] = static_cast<char>(value >> 24);
  at[1] = static_cast<char>(value >> 16);
  at[2] = static_cast<char>(value >> 8);
  at[3] = static_cast<char>(value);
}

// Of frame_head_bytes bytes. The reserved bit is ignored, RFC 9113 section 4.1.
inline FrameHead read_frame_head(const char* at) {
  FrameHead head;
  head.length = read_u32(at) >> 8;
  head.type = static_cast<FrameType>(at[3]);
  head.flags = static_cast<u8>(at[4]);
  head.stream = read_u32(at + 5) & stream_id_max;
  return head;
}
inline void write_frame_head(const FrameHead& head, char* at) {
  write_u32(head.length << 8 | static_cast<u32>(head.type), at);
  at[4] = static_cast<char>(head.flags);
  write_u32(head.stream, at + 5);
}

// Takes the padding off the payload of a HEADERS frame, if its flags say that there is some. False:
// it is longer than the frame.
bool strip_padding(const FrameHead& head, std::string_view& payload);

void append_frame(const FrameHead& head, std::string_view payload, std::string& out);
void append_settings(const Setting* settings, size_t count, std::string& out);
void append_settings_ack(std::string& out);
void append_ping(u64 opaque, bool ack, std::string& out);
void append_goaway(StreamId last, ErrorCode code, std::string& out);
void append_rst_stream(StreamId stream, ErrorCode code, std::string& out);
// Stream 0: the connection's.
void append_window_update(StreamId stream, u32 increment, std::string& out);
// `out` ends with a header block, in front of which, at `at`, frame_head_bytes were left free:
// makes a HEADERS frame of it, and of what is more than one frame holds CONTINUATION frames.
void close_header_block(StreamId stream, bool end_stream, size_t at, std::string& out);

}  // namespace labcoat::http2
