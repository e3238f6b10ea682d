#include "http/proxy_protocol.h"

#include <gtest/gtest.h>

using namespace labcoat::http;
using namespace std::string_literals;

namespace {

const std::string signature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(char command, char family, const std::string& rest) {
  return signature + command + family + static_cast<char>(rest.size() >> 8) +
         static_cast<char>(rest.size() & 0xff) + rest;
}

Parsed parse(std::string_view bytes, ProxyHeader& out) {
  size_t used = 0;
  const Parsed parsed = parse_proxy_header(bytes, out, used);
  EXPECT_LE(used, bytes.size());
  return parsed;
}

const std::string v4_block = "\xc0\x00\x02\x01\x7f\x00\x00\x01\x12\x67\x01\xbb"s;
const std::string tls_option = "\x20\x00\x05\x01\x00\x00\x00\x00"s;

}  // namespace

TEST(ProxyProtocol, ReadsBothVersions) {
  const struct {
    std::string bytes;
    const char* address;
    int port;
    bool tls;
  } rows[] = {
      {"PROXY TCP4 192.0.2.1 192.0.2.2 4711 443\r\n", "192.0.2.1", 4711, false},
      {"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n", "2001:db8::1", 1, false},
      {v2('\x21', '\x11', v4_block), "192.0.2.1", 4711, false},
      {v2('\x21', '\x11', v4_block + tls_option), "192.0.2.1", 4711, true},
      {v2('\x21', '\x21',
          "\x20\x01\x0d\xb8"s + std::string(11, '\0') + "\x01" + std::string(16, '\0') +
              "\x12\x67\x00\x50"s),
       "2001:db8::1", 4711, false},
      {"PROXY UNKNOWN\r\n", nullptr, 0, false},
      {"PROXY UNKNOWN whatever it says\r\n", nullptr, 0, false},
      {v2('\x20', '\0', ""), nullptr, 0, false},
      {v2('\x20', '\x11', "to be skipped"), nullptr, 0, false},
      {v2('\x21', '\0', ""), nullptr, 0, false},
      {v2('\x21', '\x31', std::string(216, 'p')), nullptr, 0, false},
  };
  for (const auto& row : rows) {
    // Whatever follows belongs to the client; and no part of a header is more than a part.
    for (size_t cut = 0; cut < row.bytes.size(); ++cut) {
      ProxyHeader part;
      EXPECT_EQ(parse(std::string_view(row.bytes).substr(0, cut), part), Parsed::need_more) << cut;
    }
    ProxyHeader header;
    size_t used = 0;
    ASSERT_EQ(parse_proxy_header(row.bytes + "GET", header, used), Parsed::done) << row.bytes;
    EXPECT_EQ(used, row.bytes.size());
    EXPECT_EQ(header.client.has_value(), row.address != nullptr);
    EXPECT_EQ(header.tls, row.tls);
    if (!row.address) continue;
    EXPECT_EQ(header.client->address.text(), row.address);
    EXPECT_EQ(header.client->port, row.port);
  }
}

TEST(ProxyProtocol, RefusesWhatItsDocumentForbids) {
  const std::string rows[] = {
      "GET / HTTP/1.1\r\n\r\n",
      "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
      "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n",
      "PROXY TCP4 ::1 ::1 1 2\r\n",
      "PROXY TCP6 192.0.2.1 ::1 1 2\r\n",
      "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY \r\n",
      "PROXY \n",
      "PROXY UNKNOWN" + std::string(200, 'x'),
      v2('\x22', '\x11', v4_block),
      v2('\x11', '\x11', v4_block),
      v2('\x21', '\x41', v4_block),
      v2('\x21', '\x13', v4_block),
      v2('\x21', '\x12', v4_block),
      v2('\x21', '\x11', v4_block.substr(1)),
      v2('\x21', '\x11', v4_block + "\x20"),
      v2('\x21', '\x11', v4_block + "\x04\x00\x02x"s),
      v2('\x21', '\x11', v4_block + "\x20\x00\x01\x01"s),
      v2('\x21', '\x11', v4_block + std::string(5000, '\0')),
  };
  for (const std::string& row : rows) {
    ProxyHeader header;
    EXPECT_EQ(parse(row, header), Parsed::bad) << row;
  }
}
