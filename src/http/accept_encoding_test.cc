#include "http/accept_encoding.h"

#include <gtest/gtest.h>

using namespace labcoat::http;

namespace {

constexpr unsigned all = 0b1111;
constexpr unsigned gzip_only = 0b1100;

struct Case {
  const char* value;
  ContentCoding expected;
  const char* reason;
  unsigned available = all;
};

TEST(AcceptEncoding, chooses_by_quality_and_then_by_size) {
  using enum ContentCoding;
  const Case cases[] = {
      {"", identity, "nothing said"},
      {"gzip", gzip, "the only one"},
      {"gzip, deflate, br, zstd", br, "a browser: all alike, the smallest"},
      {"gzip, deflate, br, zstd", gzip, "a browser, and there is only gzip", gzip_only},
      {"br;q=0.5, gzip;q=0.8", gzip, "the client's wish goes first"},
      {"br;q=0.5, gzip;q=0.8, zstd;q=1.0", zstd, "the highest"},
      {"br;q=0, *", zstd, "a star is every other one"},
      {"*;q=0, gzip", gzip, "nothing but gzip"},
      {"*;q=0", identity, "nothing at all: better than no answer"},
      {"identity;q=0, gzip", gzip, "no identity"},
      {"identity, gzip;q=0.5", identity, "identity is liked better"},
      {"identity;q=0.5, gzip;q=0.5", gzip, "alike: the smaller one"},
      {"gzip;q=0", identity, "not gzip"},
      {"gzip;q=0.001", gzip, "a little"},
      {"GZip ; Q=1.000", gzip, "case and blanks"},
      {"x-gzip", gzip, "the old name"},
      {",, ,gzip,", gzip, "empty elements"},
      {"gzip;q=0, gzip", identity, "the first counts"},
      {"gzip;q=1.001", identity, "more than 1"},
      {"gzip;q=0.1234", identity, "four digits"},
      {"gzip;q=", identity, "no digits"},
      {"gzip;level=9", identity, "an unknown parameter"},
      {"gz ip", identity, "not a token"},
      {"compress, deflate, sdch", identity, "none we have"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(choose_coding(parse_accept_encoding(one.value), one.available), one.expected)
        << one.value << ": " << one.reason;
  }
}

TEST(AcceptEncoding, names_its_codings) {
  EXPECT_EQ(name_of(ContentCoding::br), "br");
  EXPECT_EQ(name_of(ContentCoding::identity), "identity");
  EXPECT_TRUE(parse_accept_encoding("br").accepts(ContentCoding::br));
  EXPECT_FALSE(parse_accept_encoding("br").accepts(ContentCoding::gzip));
}

}  // namespace
