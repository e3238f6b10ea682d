// A session as a whole: how it begins and ends, settings, pings, and what ends a connection.
#include "http2/session.h"

#include "http2/session_test_words.h"

namespace labcoat::http2 {
namespace {

const std::string plain_settings = frame(FrameType::settings, 0, 0);
const std::string hello = std::string(client_preface) + plain_settings;

TEST(Session, BeginsWithItsSettingsAndALargeWindow) {  // RFC 9113 section 3.4
  Peer peer;
  const std::vector<Said> said = peer.said();
  ASSERT_EQ(said.size(), 2u);
  ASSERT_EQ(said[0].head.type, FrameType::settings);
  std::map<u32, u32> settings;
  for (size_t at = 0; at < said[0].payload.size(); at += 6) {
    settings[read_u16(said[0].payload.data() + at)] = said[0].number_at(at + 2);
  }
  const std::map<u32, u32> expected{{3, 100}, {4, 262144}, {6, 32768}, {8, 1}, {9, 1}};
  EXPECT_EQ(settings, expected);
  EXPECT_EQ(said[1].head.type, FrameType::window_update);
  EXPECT_EQ(said[1].number_at(0) + 65535, 1u << 20);
}

TEST(Session, TakesItsBytesInAnyPieces) {
  std::string bytes = hello;
  Peer client;
  bytes += client.head(1, request("/a"), frame_flag::end_headers | frame_flag::end_stream);
  bytes += client.head(3, request("/b"), frame_flag::end_headers);
  bytes += frame(FrameType::data, frame_flag::padded, 3, std::string_view("\2ab\0\0", 5));
  bytes += frame(FrameType::ping, 0, 0, "12345678");
  bytes += frame(FrameType::data, frame_flag::end_stream, 3, "cde");
  for (size_t size = 1; size <= bytes.size(); ++size) {
    Peer peer;
    for (size_t at = 0; at < bytes.size(); at += size)
      peer.hear(std::string_view(bytes).substr(at, size));
    EXPECT_EQ(peer.log, "request 1; head 3; end 3; ") << size;
    EXPECT_EQ(peer.stream(3).heard_body, "abcde") << size;
    EXPECT_EQ(peer.stream(1).heard, request("/a")) << size;
    EXPECT_EQ(peer.frames, 6);
    EXPECT_EQ(peer.words(), "SETTINGS 0; WINDOW_UPDATE 0 983041; SETTINGS 0 ack; PING 0 ack");
  }
}

TEST(Session, AnswersPingsWithTheirBytes) {  // section 6.7
  Peer peer;
  peer.greet();
  peer.hear(frame(FrameType::ping, 0, 0, "abcdefgh"));
  const std::vector<Said> said = peer.said();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].payload, "abcdefgh");
  EXPECT_TRUE(said[0].head.has(frame_flag::ack));
  peer.hear(frame(FrameType::ping, frame_flag::ack, 0, "abcdefgh"));
  EXPECT_EQ(peer.pongs, 1);
  EXPECT_TRUE(peer.said().empty());
}

TEST(Session, PassesOverFramesThatNobodyKnowsAndFlagsWithoutMeaning) {  // section 4.1 and 5.5
  Peer peer;
  peer.greet();
  peer.hear(frame(static_cast<FrameType>(0x42), 0xff, 9, "whatever"));
  peer.hear(frame(FrameType::ping, 0xfe, 0, "abcdefgh"));
  EXPECT_EQ(peer.words(), "PING 0 ack");
  EXPECT_EQ(peer.faults, "");
}

struct Case {
  const char* why;
  std::string bytes;  // after the preface and SETTINGS, unless they begin with the preface
  ErrorCode code;
};

std::vector<Case> cases_that_end_a_connection() {
  using enum ErrorCode;
  using enum FrameType;
  const auto head = [](StreamId id, u8 flags) {
    Peer client;
    return client.head(id, request(), flags);
  };
  constexpr u8 whole = frame_flag::end_headers | frame_flag::end_stream;
  const std::string opened = head(1, whole), half = head(1, 0),
                    body = head(1, frame_flag::end_headers);
  const std::string preface(client_preface);
  return {
      {"3.4: not the preface", "PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", protocol_error},
      {"3.4: no SETTINGS behind it", preface + frame(ping, 0, 0, "12345678"), protocol_error},
      {"3.4: but an ACK", preface + frame(settings, frame_flag::ack, 0), protocol_error},
      {"4.2: a frame too long", frame(data, 0, 1, std::string(16385, 'x')), frame_size_error},
      {"4.2: even of no known type",
       frame(static_cast<FrameType>(99), 0, 1, std::string(16385, 'x')), frame_size_error},
      {"4.3: a block that is no HPACK", frame(headers, whole, 1, "\xff\xff\xff\xff\xff\xff"),
       compression_error},
      {"4.3: in trailers too", body + frame(headers, whole, 1, "\x80"), compression_error},
      {"5.1: DATA on an idle stream", frame(data, 0, 1, "x"), protocol_error},
      {"5.1: RST_STREAM on an idle stream", frame(rst_stream, 0, 1, number(8)), protocol_error},
      {"5.1: WINDOW_UPDATE on an idle stream", grow_window(1, 1), protocol_error},
      {"5.1: DATA on a stream of ours", opened + frame(data, 0, 2, "x"), protocol_error},
      {"5.1.1: an even stream", head(2, whole), protocol_error},
      {"5.1.1: numbers go down", head(5, whole) + head(3, whole), protocol_error},
      {"6.1: DATA on stream 0", frame(data, 0, 0, "x"), protocol_error},
      {"6.1: padding longer than the frame", body + frame(data, frame_flag::padded, 1, "\3ab"),
       protocol_error},
      {"6.1: no room for its length", body + frame(data, frame_flag::padded, 1), protocol_error},
      {"6.2: HEADERS on stream 0", frame(headers, whole, 0, "\x82"), protocol_error},
      {"6.2: padding longer than the frame",
       frame(headers, whole | frame_flag::padded, 1, "\2\x82"), protocol_error},
      {"6.2: no room for the priority", frame(headers, whole | frame_flag::priority, 1, number(0)),
       frame_size_error},
      {"6.3: PRIORITY on stream 0", frame(priority, 0, 0, "12345"), protocol_error},
      {"6.3: PRIORITY of four bytes", frame(priority, 0, 1, "1234"), frame_size_error},
      {"6.4: RST_STREAM on stream 0", frame(rst_stream, 0, 0, number(8)), protocol_error},
      {"6.4: RST_STREAM of five bytes", opened + frame(rst_stream, 0, 1, "12345"),
       frame_size_error},
      {"6.5: SETTINGS on a stream", frame(settings, 0, 1), protocol_error},
      {"6.5: SETTINGS of five bytes", frame(settings, 0, 0, "12345"), frame_size_error},
      {"6.5: an ACK with bytes", frame(settings, frame_flag::ack, 0, "123456"), frame_size_error},
      {"6.5.3: an ACK of nothing", frame(settings, frame_flag::ack, 0), protocol_error},
      {"6.5.2: ENABLE_PUSH of 2", setting(SettingId::enable_push, 2), protocol_error},
      {"6.5.2: a window too large", setting(SettingId::initial_window_size, 1u << 31),
       flow_control_error},
      {"6.5.2: frames too small", setting(SettingId::max_frame_size, 16383), protocol_error},
      {"6.5.2: frames too large", setting(SettingId::max_frame_size, 1u << 24), protocol_error},
      {"8441 3: ENABLE_CONNECT_PROTOCOL of 2", setting(SettingId::enable_connect_protocol, 2),
       protocol_error},
      {"9218 2.1: NO_RFC7540_PRIORITIES of 2", setting(SettingId::no_rfc7540_priorities, 2),
       protocol_error},
      {"9218 2.1: and it never changes",
       setting(SettingId::no_rfc7540_priorities, 0) + setting(SettingId::no_rfc7540_priorities, 1),
       protocol_error},
      {"6.6: PUSH_PROMISE",
       opened + frame(push_promise, frame_flag::end_headers, 1, number(2) + "\x82"),
       protocol_error},
      {"6.7: PING on a stream", frame(ping, 0, 1, "12345678"), protocol_error},
      {"6.7: PING of seven bytes", frame(ping, 0, 0, "1234567"), frame_size_error},
      {"6.8: GOAWAY on a stream", frame(goaway, 0, 1, "12345678"), protocol_error},
      {"6.8: GOAWAY of seven bytes", frame(goaway, 0, 0, "1234567"), frame_size_error},
      {"6.9: an increment of 0", grow_window(0, 0), protocol_error},
      {"6.9: WINDOW_UPDATE of three bytes", frame(FrameType::window_update, 0, 0, "123"),
       frame_size_error},
      {"6.9.1: a window too large", grow_window(0, 0x7fffffff), flow_control_error},
      {"6.9.2: a stream's by SETTINGS",
       opened + grow_window(1, 0x7fffffff - 65535) + setting(SettingId::initial_window_size, 65536),
       flow_control_error},
      {"6.10: CONTINUATION of nothing", frame(continuation, frame_flag::end_headers, 1),
       protocol_error},
      {"6.10: of another stream", half + frame(continuation, frame_flag::end_headers, 3),
       protocol_error},
      {"6.10: something in between", half + frame(ping, 0, 0, "12345678"), protocol_error},
      {"6.10: even of no known type", half + frame(static_cast<FrameType>(99), 0, 0),
       protocol_error},
      {"6.10: after the end of a head", opened + frame(continuation, frame_flag::end_headers, 1),
       protocol_error},
      {"9218 7.1: PRIORITY_UPDATE on a stream", frame(priority_update, 0, 1, number(1) + "u=1"),
       protocol_error},
      {"9218 7.1: of the connection", frame(priority_update, 0, 0, number(0) + "u=1"),
       protocol_error},
      {"9218 7.1: of a push that was never promised",
       frame(priority_update, 0, 0, number(2) + "u=1"), protocol_error},
      {"9218 7.1: of three bytes", frame(priority_update, 0, 0, "123"), frame_size_error},
  };
}

TEST(Session, WhatBreaksTheConnectionEndsItWithItsName) {
  for (const Case& one : cases_that_end_a_connection()) {
    SCOPED_TRACE(one.why);
    Peer peer;
    if (one.bytes.starts_with("PRI")) {
      peer.said();
      peer.hear(one.bytes);
    } else {
      peer.greet();
      peer.hear(one.bytes);
    }
    const std::vector<Said> said = peer.said();
    ASSERT_FALSE(said.empty());
    ASSERT_EQ(said.back().head.type, FrameType::goaway);
    EXPECT_EQ(said.back().number_at(4), static_cast<u32>(one.code));
    EXPECT_EQ(peer.faults, "framing ");
    EXPECT_TRUE(peer.session.is_over());
    // And nobody is listened to any more.
    peer.hear(frame(FrameType::ping, 0, 0, "12345678"));
    EXPECT_TRUE(peer.said().empty());
  }
}

TEST(Session, SettingsAreAnsweredAndUnknownOnesPassedOver) {  // section 6.5.2 and 6.5.3
  Peer peer;
  peer.greet();
  for (const u16 id : {1, 2, 3, 5, 6, 8, 9, 0x55}) {
    const u32 value = id == 5                                       ? (1u << 24) - 1
                      : id == 1 || id == 3 || id == 6 || id == 0x55 ? 7
                                                                    : 0;
    peer.hear(setting(static_cast<SettingId>(id), value));
    EXPECT_EQ(peer.words(), "SETTINGS 0 ack") << id;
  }
}

TEST(Session, SaysNothingOfAFieldInATableThatTheClientHasMadeSmaller) {  // RFC 7541 section 4.2
  Peer peer;
  peer.greet(setting(SettingId::header_table_size, 0));
  for (const StreamId id : {1u, 3u}) {
    TestStream& stream = peer.ask(id);
    peer.session.begin_head();
    peer.session.add(":status", "200");
    peer.session.add("x-much", "repeated");
    peer.session.end_head(stream, true);
    const std::vector<Said> said = peer.said();
    ASSERT_EQ(said.size(), 1u);
    const Fields expected{{":status", "200"}, {"x-much", "repeated"}};
    EXPECT_EQ(peer.decoded(said[0].payload), expected);
    EXPECT_EQ(peer.session.stream_count(), 0u);
  }
  EXPECT_EQ(peer.decoder.table().count(), 0u);
}

TEST(Session, EndsInTwoSteps) {  // section 6.8
  Peer peer;
  peer.greet();
  peer.ask(1);
  peer.session.announce_end();
  EXPECT_EQ(peer.words(), "GOAWAY 0 last 2147483647 code 0; PING 0");
  peer.ask(3);
  peer.session.take_no_more();
  EXPECT_EQ(peer.words(), "GOAWAY 0 last 3 code 0");
  // Whoever does not listen is not answered, and no error either: it may have been under way.
  peer.hear(peer.head(5, request(), frame_flag::end_headers));
  peer.hear(frame(FrameType::data, 0, 5, "late"));
  peer.hear(peer.head(5, {{"x", "y"}}, frame_flag::end_headers | frame_flag::end_stream));
  EXPECT_FALSE(peer.has(5));
  EXPECT_EQ(peer.words(), "");
  EXPECT_FALSE(peer.session.is_over());
  for (const StreamId id : {1u, 3u}) peer.answer(peer.stream(id), "x");
  EXPECT_EQ(peer.words(), "HEADERS 1; HEADERS 3; DATA 1 end 1; DATA 3 end 1");
  EXPECT_TRUE(peer.session.is_over());
}

TEST(Session, EndsAfterTheLastAnswerWhenTheClientSaysGoodbye) {
  Peer peer;
  peer.greet();
  TestStream& stream = peer.ask(1);
  peer.hear(frame(FrameType::goaway, 0, 0, number(0) + number(0) + "bye"));
  EXPECT_FALSE(peer.session.is_over());
  peer.answer(stream, "x");
  peer.said();
  EXPECT_TRUE(peer.session.is_over());
}

TEST(Session, TerminatedSaysItsLastWordAndNothingElse) {
  Peer peer;
  peer.greet();
  TestStream& stream = peer.ask(1);
  peer.answer(stream, std::string(100'000, 'x'));
  peer.session.terminate(ErrorCode::enhance_your_calm);
  peer.session.reset(stream, ErrorCode::cancel);
  EXPECT_EQ(peer.words(), "HEADERS 1; GOAWAY 0 last 1 code 11");
  EXPECT_TRUE(peer.session.is_over());
  peer.session.terminate(ErrorCode::no_error);
  EXPECT_EQ(peer.words(), "");
}

TEST(Session, KnowsWhetherAHeadIsOnItsWay) {
  Peer peer;
  peer.greet();
  const std::string head = peer.head(1, request(), 0);
  peer.hear(head.substr(0, 12));
  EXPECT_TRUE(peer.session.is_in_head());
  peer.hear(head.substr(12));
  EXPECT_TRUE(peer.session.is_in_head());
  peer.hear(frame(FrameType::continuation, frame_flag::end_headers, 1));
  EXPECT_FALSE(peer.session.is_in_head());
  peer.hear(frame(FrameType::ping, 0, 0, "12345678").substr(0, 12));
  EXPECT_FALSE(peer.session.is_in_head());
}

}  // namespace
}  // namespace labcoat::http2
