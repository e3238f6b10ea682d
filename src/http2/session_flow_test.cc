// Flow control in both directions, RFC 9113 section 5.2 and 6.9.
#include "http2/session_test_words.h"

namespace labcoat::http2 {
namespace {

class Flow : public testing::Test {
 protected:
  Flow() { peer.greet(); }
  size_t data_bytes() {
    size_t bytes = 0;
    for (const Said& one : peer.said()) {
      if (one.head.type == FrameType::data) bytes += one.payload.size();
    }
    return bytes;
  }
  Peer peer;
};

TEST_F(Flow, NothingGoesBeyondTheConnectionsWindow) {
  peer.answer(peer.ask(1), std::string(50'000, 'a'));
  peer.answer(peer.ask(3), std::string(50'000, 'b'));
  EXPECT_EQ(data_bytes(), 65535u);
  EXPECT_EQ(data_bytes(), 0u);
  peer.hear(grow_window(0, 1000));
  EXPECT_EQ(peer.words(), "DATA 3 1000");
  peer.hear(grow_window(0, 100'000));
  EXPECT_EQ(data_bytes(), 100'000u - 65535u - 1000u);
}

TEST_F(Flow, NothingGoesBeyondAStreamsWindow) {
  peer.hear(grow_window(0, 1u << 20));
  peer.answer(peer.ask(1), std::string(100'000, 'a'));
  EXPECT_EQ(data_bytes(), 65535u);
  peer.hear(grow_window(1, 10));
  EXPECT_EQ(peer.words(), "DATA 1 10");
  peer.answer(peer.ask(3), "others go on");
  EXPECT_EQ(peer.words(), "HEADERS 3; DATA 3 end 12");
}

TEST_F(Flow, WhatNeedsNoWindowWaitsForNone) {  // section 6.9.1: frames without bytes, and heads
  peer.answer(peer.ask(1), std::string(65535, 'x'));
  peer.said();
  TestStream& stream = peer.ask(3);
  peer.answer(stream, "", /*ended=*/false);
  peer.session.finish(stream);
  TestStream& bare = peer.ask(5);
  peer.session.begin_head();
  peer.session.add(":status", "304");
  peer.session.end_head(bare, true);
  EXPECT_EQ(peer.words(), "HEADERS 3; DATA 3 end 0; HEADERS 5 end");
}

TEST_F(Flow, OfManyFirstWindowsInOneFrameTheLastHolds) {
  peer.answer(peer.ask(1), std::string(100'000, 'x'));
  EXPECT_EQ(data_bytes(), 65535u);
  peer.hear(grow_window(1, 100'000));
  // With the first of them the stream's window would be too large, and every one would go through
  // all streams.
  std::string payload;
  for (int i = 0; i < 1000; ++i) {
    payload += setting(SettingId::initial_window_size, 0x7fffffff).substr(frame_head_bytes);
    payload += setting(SettingId::initial_window_size, 65538).substr(frame_head_bytes);
  }
  peer.hear(frame(FrameType::settings, 0, 0, payload));
  EXPECT_EQ(peer.words(), "SETTINGS 0 ack");
  EXPECT_EQ(peer.stream(1).send_window(), 100'003);
}

TEST_F(Flow, FramesAreNoLongerThanEverybodyTakes) {  // section 4.2
  peer.hear(setting(SettingId::max_frame_size, 1u << 20));
  peer.answer(peer.ask(1), std::string(40'000, 'x'));
  EXPECT_EQ(peer.words(), "SETTINGS 0 ack; HEADERS 1; DATA 1 16384; DATA 1 16384; DATA 1 end 7232");
}

TEST_F(Flow, EnoughIsEnough) {
  peer.answer(peer.ask(1), std::string(60'000, 'x'));
  EXPECT_EQ(peer.words(20'000), "HEADERS 1; DATA 1 16384; DATA 1 16384");
  EXPECT_EQ(peer.words(20'000), "DATA 1 16384; DATA 1 end 10848");
}

TEST_F(Flow, SettingsChangeTheWindowsOfOpenStreams) {  // section 6.9.2
  peer.hear(grow_window(0, 1u << 20));
  peer.answer(peer.ask(1), std::string(200'000, 'x'));
  EXPECT_EQ(data_bytes(), 65535u);
  peer.hear(setting(SettingId::initial_window_size, 65535 + 10));
  EXPECT_EQ(peer.words(), "SETTINGS 0 ack; DATA 1 10");
  // Below zero: what is missing comes first.
  peer.hear(setting(SettingId::initial_window_size, 0));
  EXPECT_EQ(peer.stream(1).send_window(), -65545);
  peer.hear(grow_window(1, 65545));
  EXPECT_EQ(peer.words(), "SETTINGS 0 ack");
  peer.hear(grow_window(1, 7));
  EXPECT_EQ(peer.words(), "DATA 1 7");
  EXPECT_EQ(peer.ask(3).send_window(), 0);
}

TEST_F(Flow, AWindowThatIsTakenBackStopsAStreamThatWasToSend) {
  peer.answer(peer.ask(1), std::string(1000, 'x'));
  peer.hear(setting(SettingId::initial_window_size, 0));
  EXPECT_EQ(peer.words(), "HEADERS 1; SETTINGS 0 ack");
  peer.hear(setting(SettingId::initial_window_size, 999));
  EXPECT_EQ(peer.words(), "SETTINGS 0 ack; DATA 1 999");
  peer.hear(grow_window(1, 1));
  EXPECT_EQ(peer.words(), "DATA 1 end 1");
}

TEST_F(Flow, AnIncrementOfNothingOrTooMuchResetsItsStream) {  // section 6.9 and 6.9.1
  peer.ask(1);
  peer.hear(grow_window(1, 0));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 1");
  peer.ask(3);
  peer.hear(grow_window(3, 0x7fffffff));
  EXPECT_EQ(peer.words(), "RST_STREAM 3 3");
}

TEST_F(Flow, WindowsOpenAgainAsBytesAreDealtWith) {
  peer.upload(1);
  const std::string piece(16384, 'x');
  for (int i = 0; i < 7; ++i) peer.hear(frame(FrameType::data, 0, 1, piece));
  EXPECT_EQ(peer.words(), "");
  peer.hear(frame(FrameType::data, 0, 1, piece));
  EXPECT_EQ(peer.words(), "WINDOW_UPDATE 1 131072");
  EXPECT_EQ(peer.stream(1).heard_body.size(), 8u * 16384);
}

TEST_F(Flow, AStreamsWindowStaysShutWhileItsOwnerIsBehind) {
  peer.consumes = false;
  peer.upload(1);
  const std::string piece(16384, 'x');
  for (int i = 0; i < 16; ++i) peer.hear(frame(FrameType::data, 0, 1, piece));
  EXPECT_EQ(peer.words(), "");
  peer.session.consume(peer.stream(1), 200'000);
  EXPECT_EQ(peer.words(), "WINDOW_UPDATE 1 200000");
  peer.hear(frame(FrameType::data, 0, 1, std::string(16384, 'x')));
  EXPECT_EQ(peer.words(), "");
}

TEST_F(Flow, MoreThanAStreamsWindowResetsIt) {
  peer.consumes = false;
  peer.upload(1);
  const std::string piece(16384, 'x');
  for (int i = 0; i < 16; ++i) peer.hear(frame(FrameType::data, 0, 1, piece));
  peer.hear(frame(FrameType::data, 0, 1, "x"));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 3");
}

TEST_F(Flow, TheConnectionsWindowOpensWhoeverTheBytesWereFor) {
  const std::string piece(16384, 'x');
  peer.session.reset(peer.upload(1), ErrorCode::no_error);
  peer.said();
  for (int i = 0; i < 31; ++i) peer.hear(frame(FrameType::data, 0, 1, piece));
  EXPECT_EQ(peer.words(), "");
  peer.hear(frame(FrameType::data, 0, 1, piece));
  EXPECT_EQ(peer.words(), "WINDOW_UPDATE 0 524288");
  EXPECT_EQ(peer.empty_data, 32);
}

TEST_F(Flow, PaddingCountsAndIsGivenBack) {  // section 6.9.1
  peer.upload(1);
  const std::string padded =
      frame(FrameType::data, frame_flag::padded, 1, "\xff" + std::string(255 + 3, 'p'));
  size_t sent = 0;
  while (sent < 131072) {
    peer.hear(padded);
    sent += 259;
  }
  const std::vector<Said> said = peer.said();
  ASSERT_EQ(said.size(), 1u);
  EXPECT_EQ(said[0].head.stream, 1u);
  EXPECT_GE(said[0].number_at(0), 131072u);
  EXPECT_EQ(peer.stream(1).heard_body.size(), sent / 259 * 3);
}

TEST_F(Flow, NoWindowIsOpenedForAStreamThatHasEnded) {
  peer.upload(1);
  const std::string piece(16384, 'x');
  for (int i = 0; i < 7; ++i) peer.hear(frame(FrameType::data, 0, 1, piece));
  peer.hear(frame(FrameType::data, frame_flag::end_stream, 1, piece));
  EXPECT_EQ(peer.words(), "");
}

}  // namespace
}  // namespace labcoat::http2
