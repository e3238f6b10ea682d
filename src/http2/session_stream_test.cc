// The life of a stream: answers, resets, ends, in whatever order the two sides come to them.
#include "http2/session_test_words.h"

namespace labcoat::http2 {
namespace {

class Streams : public testing::Test {
 protected:
  Streams() { peer.greet(); }
  Peer peer;
};

TEST_F(Streams, AreForgottenWhenBothSidesHaveEnded) {  // RFC 9113 section 5.1
  peer.answer(peer.ask(1), "hello");
  EXPECT_EQ(peer.words(), "HEADERS 1; DATA 1 end 5");
  EXPECT_EQ(peer.log, "request 1; closed 1; ");
  EXPECT_EQ(peer.session.stream_count(), 0u);
}

TEST_F(Streams, AnAnswerMayEndWithItsHead) {
  TestStream& stream = peer.ask(1);
  peer.session.begin_head();
  peer.session.add(":status", "204");
  peer.session.end_head(stream, true);
  EXPECT_TRUE(stream.is_closed());
  EXPECT_EQ(peer.words(), "HEADERS 1 end");
  EXPECT_FALSE(peer.has(1));
}

TEST_F(Streams, AnAnswerMayPauseAndEndWithoutBytes) {
  TestStream& stream = peer.ask(1);
  peer.answer(stream, "some", /*ended=*/false);
  EXPECT_EQ(peer.words(), "HEADERS 1; DATA 1 4");
  EXPECT_EQ(peer.words(), "");
  stream.body = "more";
  peer.session.wake(stream);
  EXPECT_EQ(peer.words(), "DATA 1 4");
  stream.ended = true;
  peer.session.finish(stream);
  EXPECT_EQ(peer.words(), "DATA 1 end 0");
  EXPECT_FALSE(peer.has(1));
}

TEST_F(Streams, TrailersEndAnAnswer) {  // section 8.1
  TestStream& stream = peer.ask(1);
  const Fields trailers{{"x-sum", "1"}};
  stream.trailers = trailers;
  peer.answer(stream, "body");
  const std::vector<Said> said = peer.said();
  ASSERT_EQ(said.size(), 3u);
  EXPECT_FALSE(said[1].head.has(frame_flag::end_stream));
  peer.decoded(said[0].payload);
  EXPECT_EQ(peer.decoded(said[2].payload), trailers);
  EXPECT_TRUE(said[2].head.has(frame_flag::end_stream));
}

TEST_F(Streams, ACompleteAnswerAsksTheClientToStopItsUpload) {  // section 8.1
  peer.answer(peer.upload(1), "413");
  EXPECT_EQ(peer.words(), "HEADERS 1; DATA 1 end 3; RST_STREAM 1 0");
  // What was under way is no error, and counts only for the connection's window.
  peer.hear(frame(FrameType::data, 0, 1, "late"));
  peer.hear(frame(FrameType::data, frame_flag::end_stream, 1, "later"));
  EXPECT_EQ(peer.words(), "");
  EXPECT_EQ(peer.empty_data, 2);
}

TEST_F(Streams, AnAnswerThatBreaksOffResetsItsStream) {
  TestStream& stream = peer.ask(1);
  stream.broken = true;
  peer.answer(stream, "half");
  EXPECT_EQ(peer.words(), "HEADERS 1; RST_STREAM 1 2");
  EXPECT_FALSE(peer.has(1));
}

TEST_F(Streams, AResetByTheClientIsTheEnd) {  // section 6.4
  peer.answer(peer.ask(1), std::string(100'000, 'x'));
  peer.hear(frame(FrameType::rst_stream, 0, 1, number(8)));
  EXPECT_EQ(peer.log, "request 1; closed 1; ");
  EXPECT_EQ(peer.resets_heard, 1);
  EXPECT_EQ(peer.words(), "HEADERS 1");
  // Neither is what comes behind it an answer's business.
  peer.hear(grow_window(1, 5) + frame(FrameType::rst_stream, 0, 1, number(8)));
  EXPECT_EQ(peer.words(), "");
}

TEST_F(Streams, AResetOfOursIsSaidOnceAndNothingAfterIt) {
  TestStream& stream = peer.ask(1);
  peer.answer(stream, "body");
  peer.session.reset(stream, ErrorCode::enhance_your_calm);
  peer.session.reset(stream, ErrorCode::cancel);
  peer.session.wake(stream);
  peer.session.finish(stream);
  EXPECT_TRUE(peer.has(1)) << "its owner is in the middle of something";
  EXPECT_EQ(peer.words(), "HEADERS 1; RST_STREAM 1 11");
  EXPECT_FALSE(peer.has(1));
  EXPECT_EQ(peer.resets_said, 1);
}

TEST_F(Streams, DataAfterTheEndResetsTheStream) {  // section 5.1, half-closed (remote)
  peer.ask(1);
  peer.hear(frame(FrameType::data, 0, 1, "x"));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 5");
}

TEST_F(Streams, DataOnAClosedStreamIsAnsweredWithAReset) {  // section 5.1, closed
  peer.answer(peer.ask(1), "x");
  peer.said();
  peer.hear(frame(FrameType::data, 0, 1, "x"));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 5");
  EXPECT_EQ(peer.faults, "framing ");
}

TEST_F(Streams, WhatIsUnderWayWhenAnAnswerEndsIsNoError) {  // section 5.1, closed
  peer.answer(peer.ask(1), "x");
  peer.said();
  peer.hear(grow_window(1, 5) + frame(FrameType::rst_stream, 0, 1, number(8)));
  peer.hear(frame(FrameType::priority, 0, 1, number(0) + "\x10"));
  EXPECT_EQ(peer.words(), "");
}

TEST_F(Streams, ABodyIsAsLongAsItsLengthSays) {  // section 8.1.1
  struct {
    const char* body;
    bool end;
    const char* words;
  } const cases[] = {
      {"five5", true, ""},
      {"four", true, "RST_STREAM 1 1"},
      {"sixsix", false, "RST_STREAM 1 1"},
      {"", true, "RST_STREAM 1 1"},
  };
  for (const auto& one : cases) {
    Peer fresh;
    fresh.greet();
    fresh.upload(1).expect_body(5);
    fresh.hear(frame(FrameType::data, one.end ? frame_flag::end_stream : u8{0}, 1, one.body));
    EXPECT_EQ(fresh.words(), one.words) << one.body;
    EXPECT_EQ(fresh.faults, *one.words != 0 ? "malformed " : "");
  }
}

TEST_F(Streams, TrailersDoNotMakeAShortBodyWhole) {
  peer.upload(1).expect_body(5);
  peer.hear(frame(FrameType::data, 0, 1, "four"));
  peer.hear(peer.head(1, {{"x", "y"}}, frame_flag::end_headers | frame_flag::end_stream));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 1");
}

TEST_F(Streams, DataThatBringsNothingIsTold) {
  peer.upload(1);
  peer.hear(frame(FrameType::data, 0, 1));
  EXPECT_EQ(peer.empty_data, 1);
  peer.hear(frame(FrameType::data, frame_flag::padded, 1, std::string_view("\1\0", 2)));
  EXPECT_EQ(peer.empty_data, 2);
  peer.hear(frame(FrameType::data, 0, 1, "x"));
  peer.hear(frame(FrameType::data, frame_flag::end_stream, 1));
  EXPECT_EQ(peer.empty_data, 2);
}

TEST_F(Streams, TheMostRecentResetsAreRemembered) {
  for (StreamId id = 1; id < 2 * 300; id += 2) {
    peer.session.reset(peer.upload(id), ErrorCode::no_error);
    peer.said();
  }
  peer.hear(frame(FrameType::data, 0, 599, "late") +
            frame(FrameType::data, 0, 599 - 2 * 127, "late"));
  EXPECT_EQ(peer.words(), "");
  peer.hear(frame(FrameType::data, 0, 1, "very late"));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 5");
}

}  // namespace
}  // namespace labcoat::http2
