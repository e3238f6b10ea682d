// Heads and trailers as frames: cut, padded, refused, endless.
#include "http2/session_test_words.h"

namespace labcoat::http2 {
namespace {

constexpr u8 whole_head = frame_flag::end_headers | frame_flag::end_stream;

class Heads : public testing::Test {
 protected:
  explicit Heads(const Session::Options& options = {}) : peer(options) { peer.greet(); }
  std::string block(const Fields& fields) {
    return peer.head(1, fields, 0).substr(frame_head_bytes);
  }
  Peer peer;
};

TEST_F(Heads, MayComeInSeveralFrames) {  // RFC 9113 section 4.3
  const std::string all = block(request("/long/path"));
  peer.hear(frame(FrameType::headers, frame_flag::end_stream, 1, all.substr(0, 3)));
  peer.hear(frame(FrameType::continuation, 0, 1, ""));
  peer.hear(frame(FrameType::continuation, 0, 1, all.substr(3, 5)));
  EXPECT_EQ(peer.log, "");
  peer.hear(frame(FrameType::continuation, frame_flag::end_headers, 1, all.substr(8)));
  EXPECT_EQ(peer.log, "request 1; ");
  EXPECT_EQ(peer.stream(1).heard, request("/long/path"));
}

TEST_F(Heads, MayBePaddedAndCarryAPriorityThatNobodyReads) {  // section 6.2
  const std::string payload = std::string("\4", 1) + number(0x80000003) + "\xff" + block(request());
  peer.hear(frame(FrameType::headers, whole_head | frame_flag::padded | frame_flag::priority, 1,
                  payload + std::string(4, '\0')));
  EXPECT_EQ(peer.stream(1).heard, request());
}

TEST_F(Heads, AStreamThatDependsOnItselfIsReset) {
  peer.hear(frame(FrameType::headers, whole_head | frame_flag::priority, 1,
                  number(1) + "\x10" + block(request())));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 1");
  peer.ask(3);
  peer.hear(frame(FrameType::priority, 0, 3, number(0x80000003) + "\x10"));
  EXPECT_EQ(peer.words(), "RST_STREAM 3 1");
  // PRIORITY is allowed anywhere else, and means nothing.
  for (const StreamId id : {1u, 3u, 4u, 77u}) {
    peer.hear(frame(FrameType::priority, 0, id, number(0) + "\x10"));
  }
  EXPECT_EQ(peer.words(), "");
}

TEST_F(Heads, OfTooManyFramesEndTheConnection) {  // CVE-2024-27316
  peer.hear(frame(FrameType::headers, 0, 1, block(request())));
  for (int i = 0; i < 8; ++i) peer.hear(frame(FrameType::continuation, 0, 1, ""));
  EXPECT_EQ(peer.endless_heads, 0);
  peer.hear(frame(FrameType::continuation, 0, 1, ""));
  EXPECT_EQ(peer.endless_heads, 1);
  EXPECT_EQ(peer.words(), "GOAWAY 0 last 0 code 11");
}

TEST_F(Heads, OfTooManyBytesEndTheConnection) {
  Peer strict({.block_bytes_max = 20'000});
  strict.greet();
  strict.hear(frame(FrameType::headers, 0, 1, std::string(16'000, 'x')));
  strict.hear(frame(FrameType::continuation, 0, 1, std::string(4'001, 'x')));
  EXPECT_EQ(strict.endless_heads, 1);
  EXPECT_EQ(strict.words(), "GOAWAY 0 last 0 code 11");
}

// To the client they are: so no more heads wait to be written than streams are allowed.
TEST_F(Heads, StreamsWhoseEndIsNotWrittenYetAreOpen) {
  Peer strict({.streams_max = 2});
  strict.greet();
  const auto answer_without_body = [&](StreamId id) {
    TestStream& stream = strict.ask(id);
    strict.session.begin_head();
    strict.session.add(":status", "204");
    strict.session.end_head(stream, /*end_stream=*/true);
  };
  answer_without_body(1);
  answer_without_body(3);
  strict.hear(strict.head(5, request(), whole_head));
  EXPECT_FALSE(strict.has(1) || strict.has(3) || strict.has(5));
  EXPECT_EQ(strict.words(), "HEADERS 1 end; HEADERS 3 end; RST_STREAM 5 7");
  answer_without_body(7);
  answer_without_body(9);
  EXPECT_EQ(strict.words(), "HEADERS 7 end; HEADERS 9 end");
}

TEST_F(Heads, BeyondTheStreamsAllowedAreRefusedAndTheirFieldsRemembered) {  // section 5.1.2
  Peer strict({.streams_max = 2});
  strict.greet();
  strict.ask(1);
  strict.ask(3);
  Fields with_news = request();
  with_news.emplace_back("x-new", "remembered");
  strict.hear(strict.head(5, with_news, whole_head));
  EXPECT_EQ(strict.words(), "RST_STREAM 5 7");
  EXPECT_EQ(strict.faults, "refused ");
  EXPECT_EQ(strict.resets_said, 1);
  strict.answer(strict.stream(1), "x");
  strict.said();
  EXPECT_EQ(strict.ask(7, with_news).heard, with_news);
}

TEST_F(Heads, TrailersEndARequest) {  // section 8.1
  peer.upload(1);
  peer.hear(frame(FrameType::data, 0, 1, "body"));
  peer.hear(peer.head(1, {{"x-sum", "1"}}, whole_head));
  EXPECT_EQ(peer.log, "head 1; trailers 1; end 1; ");
  EXPECT_TRUE(peer.stream(1).has_heard_end());
}

TEST_F(Heads, TrailersThatDoNotEndARequestAreMalformed) {
  peer.upload(1);
  peer.hear(peer.head(1, {{"x-sum", "1"}}, frame_flag::end_headers));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 1");
  EXPECT_EQ(peer.faults, "malformed ");
}

TEST_F(Heads, TrailersMayBeRefusedByTheOwner) {
  peer.upload(1);
  peer.trailers_are_good = false;
  peer.hear(peer.head(1, {{":path", "/"}}, whole_head));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 1");
  EXPECT_EQ(peer.faults, "malformed ");
}

TEST_F(Heads, ASecondHeadAfterTheEndResetsTheStream) {  // section 5.1, half-closed (remote)
  peer.ask(1);
  peer.hear(peer.head(1, {{"x", "y"}}, whole_head));
  EXPECT_EQ(peer.words(), "RST_STREAM 1 5");
}

TEST_F(Heads, OnAStreamThatIsClosedEndTheConnection) {  // section 5.1, closed
  peer.answer(peer.ask(1), "x");
  peer.said();
  peer.hear(peer.head(1, {{"x", "y"}}, whole_head));
  EXPECT_EQ(peer.words(), "GOAWAY 0 last 1 code 5");
}

TEST_F(Heads, OnAStreamThatWeHaveResetAreOnlyDecoded) {  // section 5.1: the client may not know yet
  TestStream& stream = peer.upload(1);
  peer.session.reset(stream, ErrorCode::no_error);
  peer.said();
  peer.hear(peer.head(1, {{"x-late", "but remembered"}}, whole_head));
  EXPECT_EQ(peer.words(), "");
  Fields fields = request();
  fields.emplace_back("x-late", "but remembered");
  EXPECT_EQ(peer.ask(3, fields).heard, fields);
}

TEST_F(Heads, InformationalOnesComeBeforeTheFinalOne) {
  TestStream& stream = peer.ask(1);
  for (const char* status : {"100", "103"}) {
    peer.session.begin_head();
    peer.session.add(":status", status);
    peer.session.end_head(stream, false);
  }
  peer.answer(stream, "x");
  EXPECT_EQ(peer.words(), "HEADERS 1; HEADERS 1; HEADERS 1; DATA 1 end 1");
}

TEST_F(Heads, LargeOnesOfOursGoOnInContinuations) {
  TestStream& stream = peer.ask(1);
  const std::string value(40'000, 'v');
  peer.session.begin_head();
  peer.session.add(":status", "200");
  peer.session.add("x-large", value);
  peer.session.end_head(stream, true);
  const std::vector<Said> said = peer.said();
  std::string joined;
  for (const Said& one : said) joined.append(one.payload);
  ASSERT_GE(said.size(), 2u);
  EXPECT_EQ(said.back().head.type, FrameType::continuation);
  const Fields expected{{":status", "200"}, {"x-large", value}};
  EXPECT_EQ(peer.decoded(joined), expected);
}

}  // namespace
}  // namespace labcoat::http2
