#include "http/authority.h"

#include <gtest/gtest.h>

namespace labcoat::http {
namespace {

TEST(Authority, SplitsHostAndPort) {
  struct Row {
    const char *text, *host, *port;
  };
  const Row rows[] = {
      {"a", "a", ""},
      {"a:", "a", ""},
      {"a:0", "a", "0"},
      {"example.org:65535", "example.org", "65535"},
      {"[::ffff:1.2.3.4]:80", "[::ffff:1.2.3.4]", "80"},
      {"a-b._~!$&'()*+,;=%41", "a-b._~!$&'()*+,;=%41", ""},
  };
  for (const Row& row : rows) {
    Authority out;
    ASSERT_TRUE(parse_authority(row.text, out)) << row.text;
    EXPECT_EQ(out.host, row.host);
    EXPECT_EQ(out.port, row.port);
  }
}

TEST(Authority, RefusesWhatIsNone) {
  const std::string long_address = "[" + std::string(100, '1') + "]";
  for (const std::string_view text :
       {std::string_view(""), std::string_view(":"), std::string_view(":80"),
        std::string_view("a:b"), std::string_view("a:000080"), std::string_view("a:-1"),
        std::string_view("u:p@a"), std::string_view("a%"), std::string_view("a%4"),
        std::string_view("a%4g"), std::string_view("[]"), std::string_view("["),
        std::string_view("[1.2.3.4]"), std::string_view("[v1.a]"), std::string_view("[::1%25lo]"),
        std::string_view("[::1\0]", 6), std::string_view("[::1]]"),
        std::string_view(long_address)}) {
    Authority out;
    EXPECT_FALSE(parse_authority(text, out)) << text;
  }
}

}  // namespace
}  // namespace labcoat::http
