#include "http/byteranges.h"

#include <gtest/gtest.h>

using namespace labcoat::http;

namespace {

TEST(Byteranges, frame_their_parts_as_the_rfc_shows) {
  const Ranges ranges = parse_ranges("bytes=0-1, 5-7", 10);
  const ByterangesFrame frame(ranges, "text/plain", 10, 0xfedcba9876543210);
  EXPECT_EQ(frame.content_type(), "multipart/byteranges; boundary=0123456789abcdef");
  const std::string content = "0123456789";
  std::string body;
  for (size_t i = 0; i < frame.count(); ++i) {
    const ByteRange& one = frame.range(i);
    body += frame.prefix(i);
    body += content.substr(static_cast<size_t>(one.first),
                           static_cast<size_t>(one.last - one.first + 1));
  }
  body += frame.end();
  EXPECT_EQ(
      body,
      "--0123456789abcdef\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\n01"
      "\r\n--0123456789abcdef\r\nContent-Type: text/plain\r\nContent-Range: bytes "
      "5-7/10\r\n\r\n567\r\n--0123456789abcdef--\r\n");
  EXPECT_EQ(frame.bytes(), static_cast<int64_t>(body.size()));
}

}  // namespace
