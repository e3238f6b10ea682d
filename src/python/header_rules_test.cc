#include "python/header_rules.h"

#include <gtest/gtest.h>

namespace labcoat::python {
namespace {

TEST(HeaderRules, StatusNeedsThreeDigitsASpaceAndARangeThatIsFinal) {
  struct Case {
    const char* text;
    int code;  // 0: refused
    const char* why;
  };
  const Case cases[] = {
      {"200 OK", 200, "the usual form"},
      {"404 ", 404, "the reason may be empty"},
      {"599 Whatever this is", 599, "the last code there is"},
      {"200", 0, "PEP 3333: code, space, reason"},
      {"200OK", 0, "no space"},
      {"20 OK", 0, "two digits"},
      {" 200 OK", 0, "leading space"},
      {"+20 OK", 0, "a sign is no digit"},
      {"100 Continue", 0, "interim answers are the server's"},
      {"600 Odd", 0, "outside of HTTP"},
      {"200 OK\r\nX: y", 0, "would begin a header"},
  };
  for (const Case& c : cases) {
    const auto parsed = parse_status(c.text);
    EXPECT_EQ(parsed ? parsed->code : 0, c.code) << c.text << ": " << c.why;
  }
  EXPECT_EQ(parse_status("404 Not Found")->reason, "Not Found");
}

TEST(HeaderRules, NamesAreTokensAndValuesHaveNoControls) {
  EXPECT_TRUE(is_token("Content-Type"));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("Bad Name"));
  EXPECT_FALSE(is_token("Bad:"));
  EXPECT_FALSE(is_token("B\xe4"));
  EXPECT_FALSE(has_control("caf\xe9\t1"));
  EXPECT_TRUE(has_control("a\nb"));
  EXPECT_TRUE(has_control("a\r"));
  EXPECT_TRUE(has_control(std::string_view("a\0b", 3)));
  EXPECT_TRUE(has_control("\x7f"));
}

TEST(HeaderRules, HopByHopHeadersAreKnownInAnyCase) {
  EXPECT_TRUE(is_hop_by_hop("Connection"));
  EXPECT_TRUE(is_hop_by_hop("TRANSFER-ENCODING"));
  EXPECT_TRUE(is_hop_by_hop("te"));
  EXPECT_FALSE(is_hop_by_hop("Content-Encoding"));
  EXPECT_FALSE(is_hop_by_hop(""));
}

TEST(HeaderRules, ContentLengthIsDigitsOnly) {
  EXPECT_EQ(parse_content_length("0"), 0);
  EXPECT_EQ(parse_content_length("1073741824"), 1073741824);
  for (const char* bad : {"", "-1", "+1", "1.0", " 1", "1 ", "0x10", "99999999999999999999"}) {
    EXPECT_FALSE(parse_content_length(bad)) << bad;
  }
}

}  // namespace
}  // namespace labcoat::python
