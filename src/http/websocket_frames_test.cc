// Frames of clients, each fed whole and byte by byte; what the encoder makes, read again; closes.
#include "http/websocket_frames.h"

#include <gtest/gtest.h>
#include <string>

namespace labcoat::http {
namespace {

using namespace std::string_literals;
using Step = WebSocketDecoder::Step;
using Rules = WebSocketDecoder::Rules;

constexpr WebSocketMask mask = {'\x37', '\xfa', '\x21', '\x3d'};

// What a client sends: `first` is the byte with FIN, the reserved bits and the opcode.
std::string frame(int first, const std::string& payload) {
  std::string out;
  append_websocket_header({}, payload.size(), out);
  out[0] = static_cast<char>(first);
  out[1] = static_cast<char>(out[1] | 0x80);
  out.append(mask.data(), mask.size());
  const size_t at = out.size();
  out.append(payload);
  unmask(payload, mask, out.data() + at);
  return out;
}

// Everything that was heard, as one line: "text:a|b." is a text message in two pieces of one frame
// each, "ping:x" a control frame, "bad 1002" the end.
std::string heard(const std::string& bytes, size_t piece, Rules rules = {}) {
  WebSocketDecoder decoder(rules);
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    std::string_view rest = std::string_view(bytes).substr(at, piece);
    for (;;) {
      const auto got = decoder.next(rest);
      EXPECT_LE(got.consumed, rest.size());
      rest.remove_prefix(got.consumed);
      if (got.step == Step::need_more) {
        EXPECT_TRUE(rest.empty());
        break;
      }
      if (got.step == Step::bad) return out + "bad " + std::to_string(got.code);
      if (got.step == Step::control) {
        out += "(" + std::to_string(static_cast<int>(got.opcode)) + ":" + std::string(got.payload) +
               ")";
        continue;
      }
      if (got.begins) {
        out += got.opcode == WebSocketOpcode::text ? "text:" : "binary:";
        if (got.compressed) out += "z:";
      }
      std::string plain(got.payload.size(), '\0');
      unmask(got.payload, got.mask, plain.data());
      out += plain;
      if (got.ends) out += ".";
    }
  }
  return out;
}

std::string heard_every_way(const std::string& bytes, Rules rules = {}) {
  const std::string whole = heard(bytes, bytes.size() + 1, rules);
  for (size_t piece = 1; piece <= 7; ++piece) EXPECT_EQ(heard(bytes, piece, rules), whole);
  return whole;
}

TEST(WebSocketDecoder, TakesMessagesApart) {
  const struct {
    std::string bytes;
    std::string heard;
  } cases[] = {
      {frame(0x81, "Hello"), "text:Hello."},
      {frame(0x82, "\x01\x02"), "binary:\x01\x02."},
      {frame(0x81, ""), "text:."},
      {frame(0x01, "") + frame(0x00, "") + frame(0x80, ""), "text:."},
      {frame(0x01, "Hel") + frame(0x80, "lo"), "text:Hello."},
      {frame(0x01, "") + frame(0x00, "a") + frame(0x80, ""), "text:a."},
      {frame(0x02, "a") + frame(0x89, "p") + frame(0x8a, "") + frame(0x80, "b"),
       "binary:a(9:p)(10:)b."},
      {frame(0x88,
             "\x03\xe8"
             "bye"),
       "(8:\x03\xe8"
       "bye)"},
      {frame(0x89, std::string(125, 'p')), "(9:" + std::string(125, 'p') + ")"},
      {frame(0x81, "a") + frame(0x81, "b"), "text:a.text:b."},
  };
  for (const auto& row : cases) EXPECT_EQ(heard_every_way(row.bytes), row.heard);
}

TEST(WebSocketDecoder, ReadsEveryFormOfLength) {
  for (const size_t size : {0, 1, 125, 126, 127, 128, 65535, 65536, 70001}) {
    const std::string payload(size, 'x');
    EXPECT_EQ(heard(frame(0x82, payload), 4093), "binary:" + payload + ".") << size;
  }
}

TEST(WebSocketDecoder, RefusesWhatTheRfcForbids) {
  const std::string unmasked = "\x81\x01x";
  const struct {
    std::string bytes;
    const char* why;
  } cases[] = {
      {unmasked, "no mask"},
      {frame(0xc1, "x"), "RSV1 without the extension"},
      {frame(0xa1, "x"), "RSV2"},
      {frame(0x91, "x"), "RSV3"},
      {frame(0x83, ""), "opcode 3"},
      {frame(0x87, "x"), "opcode 7"},
      {frame(0x8b, ""), "opcode 11"},
      {frame(0x8f, ""), "opcode 15"},
      {frame(0x80, "x"), "a continuation of nothing"},
      {frame(0x00, "x"), "a continuation of nothing, not final"},
      {frame(0x01, "x") + frame(0x81, "y"), "a message within a message"},
      {frame(0x01, "x") + frame(0x02, "y"), "another kind of message within a message"},
      {frame(0x09, "x"), "a ping in fragments"},
      {frame(0x89, std::string(126, 'p')), "a ping that is too long"},
      {frame(0x88, std::string(126, 'p')), "a close that is too long"},
      {"\x82\xfe\x00\x7d"s + "mask", "125 written with two bytes"},
      {"\x82\xff\x00\x00\x00\x00\x00\x00\xff\xff"s + "mask", "65535 written with eight bytes"},
      {"\x82\xff\x80\x00\x00\x00\x00\x00\x00\x00"s + "mask", "64 bits of length"},
  };
  for (const auto& row : cases) {
    EXPECT_TRUE(heard_every_way(row.bytes).ends_with("bad 1002")) << row.why;
  }
}

TEST(WebSocketDecoder, RefusesBeforeThePayloadHasCome) {
  EXPECT_EQ(heard("\x91\xff", 2), "bad 1002");
}

TEST(WebSocketDecoder, LimitsMessagesAndNotFrames) {
  const Rules rules{.message_bytes_max = 8};
  EXPECT_EQ(heard_every_way(frame(0x82, "12345678"), rules), "binary:12345678.");
  EXPECT_EQ(heard_every_way(frame(0x82, "123456789"), rules), "bad 1009");
  EXPECT_EQ(heard_every_way(frame(0x02, "12345") + frame(0x00, "678") + frame(0x80, "9"), rules),
            "binary:12345678bad 1009");
  EXPECT_EQ(heard_every_way(frame(0x82, "12345678") + frame(0x82, "1"), rules),
            "binary:12345678.binary:1.");
  EXPECT_EQ(heard("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"s + "mask", 99, rules), "bad 1009");
}

TEST(WebSocketDecoder, KnowsCompressedMessages) {
  const Rules rules{.deflate = true};
  EXPECT_EQ(heard_every_way(frame(0xc1, "x") + frame(0x81, "y"), rules), "text:z:x.text:y.");
  EXPECT_EQ(heard_every_way(frame(0x41, "x") + frame(0x80, "y"), rules), "text:z:xy.");
  EXPECT_EQ(heard_every_way(frame(0x41, "x") + frame(0xc0, "y"), rules), "text:z:xbad 1002");
  EXPECT_EQ(heard_every_way(frame(0xc9, "x"), rules), "bad 1002");
}

TEST(WebSocketHeader, IsWhatADecoderReads) {
  const Rules rules{.deflate = true, .masked = false};
  for (const size_t size : {0, 125, 126, 65535, 65536}) {
    const std::string payload(size, 'y');
    std::string bytes;
    append_websocket_header({.opcode = WebSocketOpcode::text, .final = false}, size, bytes);
    bytes += payload;
    append_websocket_header({.opcode = WebSocketOpcode::continuation}, 1, bytes);
    bytes += "!";
    EXPECT_EQ(heard(bytes, bytes.size(), rules), "text:" + payload + "!.");
  }
  std::string compressed;
  append_websocket_header({.opcode = WebSocketOpcode::binary, .compressed = true}, 1, compressed);
  EXPECT_EQ(heard(compressed + "q", 1, rules), "binary:z:q.");
}

TEST(WebSocketClose, HasACodeThatMayBeSentAndAReasonInUtf8) {
  for (const int code : {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 3000, 4999}) {
    EXPECT_TRUE(is_websocket_code(static_cast<uint16_t>(code))) << code;
  }
  for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
    EXPECT_FALSE(is_websocket_code(static_cast<uint16_t>(code))) << code;
  }
  EXPECT_EQ(parse_websocket_close("").code, 1005);
  EXPECT_FALSE(parse_websocket_close("\x03").ok);
  const WebSocketClose good = parse_websocket_close(
      "\x03\xe8"
      "bye");
  EXPECT_TRUE(good.ok);
  EXPECT_EQ(good.code, 1000);
  EXPECT_EQ(good.reason, "bye");
  const WebSocketClose reserved = parse_websocket_close("\x03\xed");
  EXPECT_FALSE(reserved.ok);
  EXPECT_EQ(reserved.code, 1002);
  const WebSocketClose torn = parse_websocket_close("\x03\xe8\xc3");
  EXPECT_FALSE(torn.ok);
  EXPECT_EQ(torn.code, 1007);
}

TEST(WebSocketClose, CutsALongReasonBetweenCharacters) {
  std::string reason(122, 'r');
  reason += "\xc3\xa9";
  std::string bytes;
  append_websocket_close(1000, reason, bytes);
  EXPECT_EQ(bytes.size(), 2 + 2 + 122u);
  bytes.clear();
  append_websocket_close(1005, "not sent", bytes);
  EXPECT_EQ(bytes, "\x88\x00"s);
}

}  // namespace
}  // namespace labcoat::http
