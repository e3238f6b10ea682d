#include "logs/log_line.h"

#include <arpa/inet.h>
#include <cstring>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "clients/client.h"
#include "clients/listener_info.h"

namespace labcoat::logs {
namespace {

class LogLine : public testing::Test {
 protected:
  LogLine() : client_(peer(), listener_) {}

  static sockaddr_storage peer() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(4321);
    inet_pton(AF_INET, "192.0.2.7", &address.sin_addr);
    sockaddr_storage storage{};
    std::memcpy(&storage, &address, sizeof address);
    return storage;
  }

  // A GET request with this target and User-Agent; an agent of nullptr is none.
  std::string line(std::string_view format, std::string_view target = "/a?b",
                   const char* agent = "curl/8") {
    http::RequestHead head;
    head.method = "GET";
    head.target = target;
    if (agent != nullptr) head.fields[head.field_count++] = {"User-Agent", agent};
    const LineFormat lines = LineFormat::compile(format);
    LogNotes notes;
    lines.note(head, notes);
    LogLines out;
    lines.append(facts_, noted_ ? &notes : nullptr, clock_, out);
    return std::string(out.text());
  }

  clients::ListenerInfo listener_;
  clients::Client client_;
  LogClock clock_;
  bool noted_ = true;
  LogFacts facts_{.client = client_, .status = 200, .protocol = "HTTP/1.1", .route = {}, .app = {}};
};

TEST_F(LogLine, NumbersAreWrittenWhole) {
  facts_.status = 404;
  facts_.body_bytes = 18446744073709551;
  facts_.queue_us = -1;
  facts_.total_us = 9223372036854775807;
  EXPECT_EQ(line("{status} {bytes} {queue_us} {service_us} {total_us} {remote_port}"),
            "404 18446744073709551 -1 0 9223372036854775807 4321\n");
}

TEST_F(LogLine, ARequestIdHasSixteenDigits) {
  facts_.id = 0x0123456789abcdef;
  EXPECT_EQ(line("id={request_id}"), "id=0123456789abcdef\n");
  facts_.id = 10;
  EXPECT_EQ(line("id={request_id}"), "id=000000000000000a\n");
}

TEST_F(LogLine, TextBetweenFieldsMayHaveAnyLength) {
  for (size_t length = 0; length <= 70; ++length) {
    const std::string text(length, '=');
    std::string format, expected;
    for (const std::string_view value : {"200", "200", "\n"}) {
      expected.append(text).append(value);
      format.append(text).append(value == "\n" ? "" : "{status}");
    }
    EXPECT_EQ(line(format), expected);
  }
}

TEST_F(LogLine, ValuesStandInTheOrderOfTheFormatAlsoTwice) {
  EXPECT_EQ(
      line(R"({user_agent} "{request}" {method} {target} {user_agent} {referer} {remote_addr})"),
      "curl/8 \"GET /a?b HTTP/1.1\" GET /a?b curl/8 - 192.0.2.7\n");
}

TEST_F(LogLine, OutsideOfQuotesNoSpaceIsLeft) {
  EXPECT_EQ(line("{request} {user_agent}", "/", "a b"), "GET\\x20/\\x20HTTP/1.1 a\\x20b\n");
}

TEST_F(LogLine, WhatIsNotThereIsADashAndInJsonEmpty) {
  facts_.protocol = {};
  noted_ = false;
  EXPECT_EQ(line("{request} {user_agent} {route} {app} {worker} {user} {tls_version} {protocol}"),
            "- - - - - - - -\n");
  EXPECT_EQ(line("json request user_agent status worker"),
            R"({"request":"","user_agent":"","status":200,"worker":""})"
            "\n");
}

// Of which memcpy may not be told.
TEST_F(LogLine, ATextThatIsNowhereIsEmpty) {
  EXPECT_EQ(line("{query} {host} {user_agent}", "/", ""), "- - -\n");
}

TEST_F(LogLine, JsonIsValidWhateverTheTexts) {
  facts_.route = "\"/*\\";
  EXPECT_EQ(line("json target user_agent route bytes", "/\"", "\x01\xff"),
            R"({"target":"/\"","user_agent":"\u0001\u00ff","route":"\"/*\\","bytes":0})"
            "\n");
}

TEST_F(LogLine, ThereIsRoomForALineOfNothingButEscapes) {
  const std::string evil(5000, '\x01');
  const std::string route(3000, '\x02');
  facts_.route = facts_.app = route;
  const std::string text = line("json target route app user_agent", evil, evil.c_str());
  EXPECT_GT(text.size(), size_t{6} * (5000 + 3000 + 3000 + 5000));
  EXPECT_TRUE(text.ends_with("\\u0001\"}\n"));
}

TEST_F(LogLine, TheTimeIsThatOfTheWallClock) {
  facts_.now_ns = now_ns();
  const i64 before = wall_ns() / ms - 1;
  const std::string text = line("{time_unix}");
  ASSERT_EQ(text.size(), std::strlen("1795309323.456\n"));
  const i64 shown = std::stoll(text.substr(0, 10)) * 1000 + std::stoll(text.substr(11));
  EXPECT_GE(shown, before);
  EXPECT_LE(shown, wall_ns() / ms + 1);
}

}  // namespace
}  // namespace labcoat::logs
