#include "http/websocket_handshake.h"

#include <gtest/gtest.h>
#include <string>

namespace labcoat::http {
namespace {

const std::string good =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

WebSocketAsk ask_of(const std::string& text, RequestHead& head) {
  size_t used = 0, scanned = 0;
  EXPECT_EQ(parse_request(text, {}, head, used, scanned), Parsed::done) << text;
  return read_websocket_ask(head);
}

std::string with(std::string text, const std::string& from, const std::string& to) {
  return text.replace(text.find(from), from.size(), to);
}

TEST(WebSocketAsk, IsFoundAndJudged) {
  const struct {
    std::string text;
    int status;
    const char* why;
  } cases[] = {
      {good, 101, "as the RFC has it"},
      {with(good, "Upgrade: websocket", "Upgrade: h2c, WebSocket"), 101, "one of a list, any case"},
      {with(good, "Upgrade: websocket", "Upgrade: h2c"), 0, "another protocol"},
      {with(good, ", Upgrade", ""), 0, "the connection is not to be upgraded"},
      {with(good, "GET", "POST"), 400, "not GET"},
      {with(good, "Version: 13", "Version: 8"), 426, "an old version"},
      {with(good, "Version: 13", "Version: 13, 8"), 426, "a list of versions"},
      {with(good, "Sec-WebSocket-Version: 13\r\n", ""), 400, "no version"},
      {with(good, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", ""), 400, "no key"},
      {with(good, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZQ=="), 400, "ten bytes"},
      {with(good, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZR=="), 400, "bits left over"},
      {with(good, "dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j*Q=="), 400, "not base64"},
      {with(good, "\r\n\r\n", "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"), 400,
       "two keys"},
      {with(good, "Host: a\r\n", "Host: a\r\nContent-Length: 1\r\n"), 400, "a body"},
  };
  for (const auto& row : cases) {
    RequestHead head;
    EXPECT_EQ(ask_of(row.text, head).status, row.status) << row.why;
  }
  RequestHead head;
  EXPECT_EQ(ask_of(good, head).key, "dGhlIHNhbXBsZSBub25jZQ==");
}

TEST(WebSocketAsk, NeedsNoKeyOverHttp2) {
  RequestHead head;
  head.major_version = 2;
  head.method = "GET";
  head.fields[0] = {"sec-websocket-version", "13"};
  head.field_count = 1;
  EXPECT_EQ(read_websocket_ask(head).status, 0);
  head.connects_websocket = true;
  EXPECT_EQ(read_websocket_ask(head).status, 101);
  head.fields[0].value = "14";
  EXPECT_EQ(read_websocket_ask(head).status, 426);
}

}  // namespace
}  // namespace labcoat::http
