#include "base/ip_address.h"

#include <gtest/gtest.h>

using namespace labcoat;

TEST(IpAddress, IsReadStrictlyAndWrittenShort) {
  EXPECT_EQ(parse_ip("192.0.2.1")->text(), "192.0.2.1");
  EXPECT_EQ(parse_ip("2001:db8:0:0::1")->text(), "2001:db8::1");
  EXPECT_EQ(parse_ip("::ffff:192.0.2.1"), parse_ip("192.0.2.1")) << "one address, however it came";
  for (const char* bad : {"", "1", "1.2.3", "01.2.3.4", "1.2.3.4.5", "256.0.0.1", "[::1]",
                          "fe80::1%lo", "::1:", ":::", "1.2.3.4 ", "1.2.3.4:80", "1::2::3"}) {
    EXPECT_FALSE(parse_ip(bad)) << bad;
  }
  EXPECT_FALSE(parse_ip(std::string_view("1.2.3.4\0", 8)));
}

TEST(IpNetwork, ContainsWhatItsPrefixSays) {
  const struct {
    const char* network;
    const char* address;
    bool inside;
  } rows[] = {
      {"10.0.0.0/8", "10.255.0.1", true},         {"10.0.0.0/8", "11.0.0.1", false},
      {"10.0.0.0/8", "::a00:1", false},           {"192.0.2.128/25", "192.0.2.127", false},
      {"192.0.2.128/25", "192.0.2.200", true},    {"0.0.0.0/0", "8.8.8.8", true},
      {"0.0.0.0/0", "2001:db8::1", false},        {"::/0", "8.8.8.8", true},
      {"2001:db8::/33", "2001:db8:7fff::", true}, {"2001:db8::/33", "2001:db8:8000::", false},
      {"192.0.2.1", "192.0.2.1", true},           {"192.0.2.1", "192.0.2.2", false},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(parse_network(row.network)->contains(*parse_ip(row.address)), row.inside)
        << row.network << " " << row.address;
  }
  for (const char* bad :
       {"10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "::/129", "a/8", "10.0.0.0/08"}) {
    EXPECT_FALSE(parse_network(bad)) << bad;
  }
}

TEST(IpAndPort, IsReadInTheFormsThatProxiesWrite) {
  EXPECT_EQ(parse_ip_and_port("192.0.2.1:80")->port, 80);
  EXPECT_EQ(parse_ip_and_port("[2001:db8::1]:443")->port, 443);
  EXPECT_EQ(parse_ip_and_port("[2001:db8::1]")->port, 0);
  EXPECT_EQ(parse_ip_and_port("2001:db8::1")->address.text(), "2001:db8::1");
  for (const char* bad : {"192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:+1", "[192.0.2.1]", "[::1",
                          "[::1]80", "[::1]:", "_hidden", "unknown", ":80"}) {
    EXPECT_FALSE(parse_ip_and_port(bad)) << bad;
  }
}
