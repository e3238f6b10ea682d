// Tables of chunked bodies, each fed whole, byte by byte and in every two pieces, from heap buffers
// of just their size.
#include "http/chunked.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

namespace labcoat::http {
namespace {

using Step = ChunkedDecoder::Step;
using std::string_literals::operator""s;

struct Decoded {
  Step end = Step::need_more;
  std::string payload;
  size_t used = 0;
  bool operator==(const Decoded&) const = default;
};

void PrintTo(const Decoded& d, std::ostream* out) {
  *out << "step " << static_cast<int>(d.end) << ", payload '" << d.payload << "', used " << d.used;
}

// One piece; true when the decoder asks for the next.
bool feed(ChunkedDecoder& decoder, std::string_view piece, Decoded& out) {
  const auto copy = std::make_unique<char[]>(piece.size());
  std::copy(piece.begin(), piece.end(), copy.get());
  std::string_view rest(copy.get(), piece.size());
  for (;;) {
    const ChunkedDecoder::Outcome outcome = decoder.next(rest);
    out.end = outcome.step;
    out.used += outcome.consumed;
    out.payload += outcome.data;
    rest.remove_prefix(outcome.consumed);
    if (outcome.step == Step::data) {
      EXPECT_FALSE(outcome.data.empty());
      continue;
    }
    EXPECT_TRUE(outcome.step != Step::need_more || rest.empty());
    return outcome.step == Step::need_more;
  }
}

Decoded decode(const std::vector<std::string_view>& pieces, ChunkLimits limits = {}) {
  ChunkedDecoder decoder(limits);
  Decoded out;
  for (const std::string_view piece : pieces) {
    if (!feed(decoder, piece, out)) break;
  }
  return out;
}

// However the bytes are cut, payload and verdict are the same.
Decoded decode_every_way(const std::string& bytes, ChunkLimits limits = {}) {
  const std::string_view view = bytes;
  const Decoded whole = decode({view}, limits);
  std::vector<std::string_view> singles;
  for (size_t i = 0; i < view.size(); ++i) {
    singles.push_back(view.substr(i, 1));
    EXPECT_EQ(decode({view.substr(0, i), view.substr(i)}, limits), whole) << "cut at " << i;
  }
  EXPECT_EQ(decode(singles, limits), whole);
  return whole;
}

struct Case {
  Step end;
  const char* because;
  std::string bytes;
  std::string payload = "";
};

void expect_cases(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.because) + ": " + testing::PrintToString(c.bytes));
    const Decoded decoded = decode_every_way(c.bytes);
    EXPECT_EQ(decoded.end, c.end);
    if (c.end == Step::done) {
      EXPECT_EQ(decoded.payload, c.payload);
      EXPECT_EQ(decoded.used, c.bytes.size());
    }
  }
}

TEST(Chunked, DecodesGoodBodies) {
  expect_cases({
      {Step::done, "no chunk", "0\r\n\r\n", ""},
      {Step::done, "one chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {Step::done, "two chunks, both cases of hex",
       "b\r\n01234567890\r\nA\r\n0123456789\r\n0\r\n\r\n", "012345678900123456789"},
      {Step::done, "leading zeros", "0005\r\nhello\r\n000\r\n\r\n", "hello"},
      {Step::done, "extension", "5;a=b;c=\"d e\"\r\nhello\r\n0;x\r\n\r\n", "hello"},
      {Step::done, "bad whitespace before an extension", "5 \t;a\r\nhello\r\n0\r\n\r\n", "hello"},
      {Step::done, "trailers are dropped", "0\r\nX-Sum: 1\r\nY:\r\n\r\n", ""},
      {Step::done, "CRLF inside the payload", "4\r\n\r\n0\r\r\n0\r\n\r\n", "\r\n0\r"},
  });
}

TEST(Chunked, RefusesBadFraming) {
  expect_cases({
      {Step::bad, "empty size", "\r\n"},
      {Step::bad, "empty size with extension", ";a\r\n"},
      {Step::bad, "not hexadecimal", "5g\r\n"},
      {Step::bad, "0x", "0x5\r\n"},
      {Step::bad, "sign", "+5\r\n"},
      {Step::bad, "minus", "-1\r\n"},
      {Step::bad, "space before the size", " 5\r\n"},
      {Step::bad, "space behind the size", "5 \r\n"},
      {Step::bad, "digits behind a space", "5 5\r\n"},
      {Step::bad, "64 bits", "8000000000000000\r\n"},
      {Step::bad, "more", "fffffffffffffffff\r\n"},
      {Step::bad, "LF behind the size", "5\nhello"},
      {Step::bad, "CR alone behind the size", "5\rhello"},
      {Step::bad, "LF in an extension", "5;a\nhello"},
      {Step::bad, "CR in an extension", "5;a\rb\r\nhello"},
      {Step::bad, "NUL in an extension", "5;a\0\r\n"s},
      {Step::bad, "payload longer than said", "5\r\nhello!\r\n0\r\n\r\n"},
      {Step::bad, "LF behind the payload", "5\r\nhello\n0\r\n\r\n"},
      {Step::bad, "CR alone behind the payload", "5\r\nhello\r0\r\n\r\n"},
      {Step::bad, "LF ends the trailers", "0\r\n\n"},
      {Step::bad, "CR X ends the trailers", "0\r\n\rX"},
      {Step::bad, "trailer without a colon", "0\r\nX\r\n\r\n"},
      {Step::bad, "trailer without a name", "0\r\n: a\r\n\r\n"},
      {Step::bad, "trailer with a space before the colon", "0\r\nX : a\r\n\r\n"},
      {Step::bad, "folded trailer", "0\r\nX: a\r\n b\r\n\r\n"},
      {Step::bad, "LF behind a trailer", "0\r\nX: a\n\r\n"},
      {Step::bad, "CR inside a trailer", "0\r\nX: a\rb\r\n\r\n"},
      {Step::bad, "a request instead of a trailer", "0\r\nGET / HTTP/1.1\r\n\r\n"},
  });
}

TEST(Chunked, UnfinishedBodiesNeedMore) {
  const std::string bytes = "5;a\r\nhello\r\n0\r\nX: y\r\n\r\n";
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(decode_every_way(bytes.substr(0, size)).end, Step::need_more) << size;
  }
}

TEST(Chunked, LeavesTheNextMessageAlone) {
  const Decoded decoded = decode_every_way("1\r\na\r\n0\r\n\r\nGET / HTTP/1.1\r\n");
  EXPECT_EQ(decoded.end, Step::done);
  EXPECT_EQ(decoded.used, 11u);
}

TEST(Chunked, EndsForGood) {
  ChunkedDecoder done, bad;
  EXPECT_EQ(done.next("0\r\n\r\n").step, Step::done);
  EXPECT_EQ(done.next("0\r\n\r\n").step, Step::done);
  EXPECT_EQ(done.next("0\r\n\r\n").consumed, 0u);
  EXPECT_EQ(bad.next("x").step, Step::bad);
  EXPECT_EQ(bad.next("0\r\n\r\n").step, Step::bad);
}

TEST(Chunked, LimitsLinesAndTrailers) {
  const ChunkLimits limits = {.line_bytes_max = 10, .trailer_bytes_max = 10};
  EXPECT_EQ(decode_every_way("1;345678\r\na\r\n1;345678\r\na\r\n", limits).end, Step::need_more);
  EXPECT_EQ(decode_every_way("1;3456789\r\n", limits).end, Step::bad);
  EXPECT_EQ(decode_every_way("00000000001\r\n", limits).end, Step::bad);
  EXPECT_EQ(decode_every_way("0\r\nX: 456\r\n\r\n", limits).end, Step::done);
  EXPECT_EQ(decode_every_way("0\r\nX: 4567\r\n\r\n", limits).end, Step::bad);
  EXPECT_EQ(decode_every_way("0\r\nX:\r\nXY:\r\n\r\n", limits).end, Step::bad);
}

}  // namespace
}  // namespace labcoat::http
