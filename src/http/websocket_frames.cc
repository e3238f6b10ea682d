#include "http/websocket_frames.h"

#include <algorithm>
#include <cstring>

#include "http/utf8.h"

namespace labcoat::http {
namespace {

constexpr uint8_t final_bit = 0x80, compressed_bit = 0x40, other_reserved_bits = 0x30;
constexpr uint8_t mask_bit = 0x80, short_length_max = 125, length_of_2 = 126, length_of_8 = 127;
constexpr size_t close_reason_bytes_max = 123;

uint64_t big_endian(const uint8_t* bytes, size_t count) {
  uint64_t value = 0;
  for (size_t i = 0; i < count; ++i) value = value << 8 | bytes[i];
  return value;
}

void append_big_endian(uint64_t value, size_t count, std::string& out) {
  for (size_t i = count; i > 0; --i) out.push_back(static_cast<char>(value >> (8 * (i - 1))));
}

WebSocketMask turned(const WebSocketMask& mask, uint64_t by) {
  WebSocketMask out;
  for (size_t i = 0; i < out.size(); ++i) out[i] = mask[(i + by) & 3];
  return out;
}

}  // namespace

void unmask(std::string_view in, const WebSocketMask& mask, char* out) {
  uint64_t wide;
  std::memcpy(&wide, mask.data(), 4);
  std::memcpy(reinterpret_cast<char*>(&wide) + 4, mask.data(), 4);
  size_t i = 0;
  for (; i + sizeof wide <= in.size(); i += sizeof wide) {
    uint64_t word;
    std::memcpy(&word, in.data() + i, sizeof word);
    word ^= wide;
    std::memcpy(out + i, &word, sizeof word);
  }
  for (; i < in.size(); ++i) out[i] = static_cast<char>(in[i] ^ mask[i & 3]);
}

WebSocketDecoder::Outcome WebSocketDecoder::bad(size_t used, uint16_t code, const char* why) {
  Outcome out;
  out.step = Step::bad;
  out.consumed = used;
  out.code = code;
  out.why = why;
  return out;
}

WebSocketDecoder::Outcome WebSocketDecoder::next(std::string_view input) {
  size_t used = 0;
  for (;;) {
    if (state_ == State::header) {
      const Outcome header = read_header(input, used);
      if (header.step == Step::bad || state_ == State::header) return header;
      used = header.consumed;
    }
    if (state_ == State::failed) return bad(used, websocket_code::protocol_error, "failed before");
    if (state_ == State::control) return control(input, used);
    const bool nothing = frame_left_ == 0 && !final_;
    if (!nothing) return data(input, used);
    state_ = State::header;  // an empty fragment that is not the last says nothing
  }
}

// Still in State::header afterwards: more is needed.
WebSocketDecoder::Outcome WebSocketDecoder::read_header(std::string_view input, size_t used) {
  while (state_ == State::header) {
    if (used == input.size()) break;
    header_[header_have_++] = static_cast<uint8_t>(input[used++]);
    if (header_have_ < header_need_) continue;
    uint16_t code = websocket_code::protocol_error;
    const char* why = nullptr;
    if (header_have_ == 2) why = begin_frame();
    if (why == nullptr && header_have_ == header_need_) {
      why = read_length(code);
      header_have_ = 0;
      header_need_ = 2;
    }
    if (why != nullptr) {
      state_ = State::failed;
      return bad(used, code, why);
    }
  }
  return {.consumed = used};
}

WebSocketDecoder::Outcome WebSocketDecoder::control(std::string_view input, size_t used) {
  const size_t piece = static_cast<size_t>(std::min<uint64_t>(frame_left_, input.size() - used));
  std::memcpy(control_payload_ + control_have_, input.data() + used, piece);
  control_have_ += piece;
  frame_left_ -= piece;
  used += piece;
  if (frame_left_ > 0) return {.consumed = used};
  state_ = State::header;
  const std::string_view payload(control_payload_, control_have_);
  unmask(payload, mask_, control_payload_);
  return {.step = Step::control, .consumed = used, .payload = payload, .opcode = control_};
}

// After the first two bytes, which say nearly everything that can be wrong.
const char* WebSocketDecoder::begin_frame() {
  const uint8_t first = header_[0], length = header_[1] & 0x7f;
  final_ = (first & final_bit) != 0;
  const bool compressed = (first & compressed_bit) != 0;
  if ((first & other_reserved_bits) != 0) return "a reserved bit is set";
  if (((header_[1] & mask_bit) != 0) != rules_.masked) {
    return rules_.masked ? "a frame without a mask" : "a frame with a mask";
  }
  const auto opcode = static_cast<WebSocketOpcode>(first & 15);
  switch (opcode) {
    case WebSocketOpcode::continuation:
      if (!message_open_) return "a continuation of no message";
      if (compressed) return "a reserved bit is set in a continuation";
      break;
    case WebSocketOpcode::text:
    case WebSocketOpcode::binary:
      if (message_open_) return "a message begins within another";
      message_ = opcode;
      if (const char* why = begin_data(compressed); why != nullptr) return why;
      break;
    case WebSocketOpcode::close:
    case WebSocketOpcode::ping:
    case WebSocketOpcode::pong:
      if (compressed) return "a reserved bit is set in a control frame";
      if (!final_) return "a control frame in fragments";
      if (length > short_length_max) return "a control frame that is too long";
      control_ = opcode;
      break;
    default:
      return "a reserved opcode";
  }
  header_need_ = static_cast<uint8_t>(2 +
                                      (length == length_of_2   ? 2
                                       : length == length_of_8 ? 8
                                                               : 0) +
                                      (rules_.masked ? 4 : 0));
  return nullptr;
}

const char* WebSocketDecoder::begin_data(bool compressed) {
  if (compressed && !rules_.deflate) return "a compressed message, which was not agreed on";
  compressed_ = compressed;
  message_open_ = piece_begins_ = true;
  message_bytes_ = 0;
  return nullptr;
}

const char* WebSocketDecoder::read_length(uint16_t& code) {
  const uint8_t length = header_[1] & 0x7f;
  size_t at = 2;
  frame_left_ = length;
  if (length == length_of_2) {
    frame_left_ = big_endian(header_ + at, 2);
    at += 2;
    if (frame_left_ <= short_length_max) return "a length that is not in its shortest form";
  } else if (length == length_of_8) {
    frame_left_ = big_endian(header_ + at, 8);
    at += 8;
    if (frame_left_ >> 63 != 0) return "a length beyond 63 bits";
    if (frame_left_ <= 0xffff) return "a length that is not in its shortest form";
  }
  mask_ = {};
  if (rules_.masked) std::memcpy(mask_.data(), header_ + at, mask_.size());
  if ((header_[0] & 8) != 0) {
    state_ = State::control;
    control_have_ = 0;
    return nullptr;
  }
  state_ = State::payload;
  if (frame_left_ > rules_.message_bytes_max - message_bytes_) {
    code = websocket_code::too_large;
    return "a message that is too large";
  }
  message_bytes_ += frame_left_;
  return nullptr;
}

WebSocketDecoder::Outcome WebSocketDecoder::data(std::string_view input, size_t used) {
  const size_t piece = static_cast<size_t>(std::min<uint64_t>(frame_left_, input.size() - used));
  if (piece == 0 && frame_left_ > 0) return {.consumed = used};
  Outcome out;
  out.step = Step::data;
  out.consumed = used + piece;
  out.payload = input.substr(used, piece);
  out.mask = mask_;
  out.opcode = message_;
  out.begins = piece_begins_;
  out.compressed = compressed_;
  mask_ = turned(mask_, piece);
  frame_left_ -= piece;
  if (frame_left_ == 0) {
    state_ = State::header;
    out.ends = final_;
    message_open_ = !final_;
  }
  piece_begins_ = false;
  return out;
}

bool is_websocket_code(uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

WebSocketClose parse_websocket_close(std::string_view payload) {
  if (payload.empty()) return {};
  const WebSocketClose wrong{.ok = false, .code = websocket_code::protocol_error};
  if (payload.size() == 1) return wrong;
  const auto code = static_cast<uint16_t>(static_cast<uint8_t>(payload[0]) << 8 |
                                          static_cast<uint8_t>(payload[1]));
  if (!is_websocket_code(code)) return wrong;
  Utf8Checker checker;
  if (!checker.add(payload.substr(2)) || !checker.complete()) {
    return {.ok = false, .code = websocket_code::not_utf8};
  }
  return {.code = code, .reason = payload.substr(2)};
}

void append_websocket_header(WebSocketFrame frame, uint64_t payload_bytes, std::string& out) {
  const auto first =
      static_cast<uint8_t>(static_cast<uint8_t>(frame.opcode) | (frame.final ? final_bit : 0) |
                           (frame.compressed ? compressed_bit : 0));
  out.push_back(static_cast<char>(first));
  if (payload_bytes <= short_length_max) {
    out.push_back(static_cast<char>(payload_bytes));
  } else if (payload_bytes <= 0xffff) {
    out.push_back(static_cast<char>(length_of_2));
    append_big_endian(payload_bytes, 2, out);
  } else {
    out.push_back(static_cast<char>(length_of_8));
    append_big_endian(payload_bytes, 8, out);
  }
}

void append_websocket_close(uint16_t code, std::string_view reason, std::string& out) {
  if (code == websocket_code::none) {
    append_websocket_header({.opcode = WebSocketOpcode::close}, 0, out);
    return;
  }
  if (reason.size() > close_reason_bytes_max) {
    size_t end = close_reason_bytes_max;
    while (end > 0 && (static_cast<uint8_t>(reason[end]) & 0xc0) == 0x80) --end;
    reason = reason.substr(0, end);
  }
  append_websocket_header({.opcode = WebSocketOpcode::close}, 2 + reason.size(), out);
  append_big_endian(code, 2, out);
  out.append(reason);
}

}  // namespace labcoat::http
