#include "http/conditions.h"

#include <gtest/gtest.h>
#include <string>

using namespace labcoat::http;

namespace {

constexpr const char* date = "Sun, 06 Nov 1994 08:49:37 GMT";  // 784111777
constexpr int64_t date_s = 784111777;

struct Case {
  const char* fields;
  Condition expected;
  const char* reason;
  const char* tag = "\"a,b\"";
};

RequestHead parse(const std::string& text) {
  RequestHead head;
  size_t used = 0, scanned = 0;
  EXPECT_EQ(parse_request(text, {}, head, used, scanned), Parsed::done) << text;
  return head;
}

TEST(Conditions, are_judged_in_the_order_of_the_rfc) {
  const std::string at = date;
  const std::string before = "Sun, 06 Nov 1994 08:49:36 GMT";
  const Case cases[] = {
      {"", Condition::holds, "nothing was asked"},
      {"If-None-Match: \"a,b\"", Condition::not_modified, "a comma inside of the quotes"},
      {"If-None-Match: \"x\", W/\"a,b\" ,", Condition::not_modified, "weak comparison"},
      {"If-None-Match: *", Condition::not_modified, "any"},
      {"If-None-Match: \"a\", \"b\"", Condition::holds, "neither of them"},
      {"If-None-Match: a,b", Condition::holds, "no quotes, no tag"},
      {"If-None-Match: \"a,b", Condition::holds, "a quote that is not closed"},
      {"If-None-Match:", Condition::holds, "an empty list"},
      {"If-Match: \"a,b\"", Condition::holds, "the same"},
      {"If-Match: *", Condition::holds, "there is one"},
      {"If-Match: \"x\"", Condition::failed, "another"},
      {"If-Match: W/\"a,b\"", Condition::failed, "strong comparison"},
      {"If-Match: W/\"a\"", Condition::failed, "weak tags never match strongly", "W/\"a\""},
      {"If-None-Match: \"a\"", Condition::not_modified, "ours is weak", "W/\"a\""},
      {"If-Match: \"x\"\r\nIf-None-Match: \"a,b\"", Condition::failed, "If-Match goes first"},
  };
  for (const Case& one : cases) {
    const std::string lines = *one.fields == '\0' ? "" : std::string(one.fields) + "\r\n";
    const std::string text = "GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
    const RequestHead head = parse(text);
    const SelectionFields fields(head);
    EXPECT_EQ(check_conditions(fields, {one.tag, date_s}), one.expected)
        << one.fields << ": " << one.reason;
  }
  const auto with = [&](const std::string& lines) {
    const std::string text = "GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
    const RequestHead head = parse(text);
    return check_conditions(SelectionFields(head), {"\"t\"", date_s});
  };
  EXPECT_EQ(with("If-Modified-Since: " + at + "\r\n"), Condition::not_modified);
  EXPECT_EQ(with("If-Modified-Since: " + before + "\r\n"), Condition::holds);
  EXPECT_EQ(with("If-Modified-Since: yesterday\r\n"), Condition::holds);
  EXPECT_EQ(with("If-Unmodified-Since: " + at + "\r\n"), Condition::holds);
  EXPECT_EQ(with("If-Unmodified-Since: " + before + "\r\n"), Condition::failed);
  EXPECT_EQ(with("If-Unmodified-Since: tomorrow\r\n"), Condition::holds);
  EXPECT_EQ(with("If-None-Match: \"x\"\r\nIf-Modified-Since: " + at + "\r\n"), Condition::holds)
      << "If-None-Match overrules the date";
  EXPECT_EQ(with("If-Match: \"t\"\r\nIf-Unmodified-Since: " + before + "\r\n"), Condition::holds)
      << "If-Match overrules the date";
}

TEST(Conditions, let_a_range_count_only_for_the_representation_it_is_of) {
  const auto with = [&](const std::string& value, const char* tag) {
    const std::string text = "GET / HTTP/1.1\r\nHost: x\r\nIf-Range: " + value + "\r\n\r\n";
    const RequestHead head = parse(text);
    return range_applies(SelectionFields(head), {tag, date_s});
  };
  EXPECT_TRUE(with("\"t\"", "\"t\""));
  EXPECT_FALSE(with("\"x\"", "\"t\""));
  EXPECT_FALSE(with("W/\"t\"", "W/\"t\"")) << "a weak tag may stand for other bytes";
  EXPECT_TRUE(with(date, "\"t\""));
  EXPECT_FALSE(with("Sun, 06 Nov 1994 08:49:38 GMT", "\"t\"")) << "later is not the same";
  EXPECT_FALSE(with("nonsense", "\"t\""));
}

TEST(Conditions, find_their_fields_in_any_case_and_take_the_first) {
  const std::string text =
      "GET / HTTP/1.1\r\nHost: x\r\nRANGE: bytes=0-1\r\nrange: bytes=2-3\r\n"
      "accept-encoding: br\r\n\r\n";
  const RequestHead head = parse(text);
  const SelectionFields fields(head);
  EXPECT_EQ(fields.range, "bytes=0-1");
  EXPECT_EQ(fields.accept_encoding, "br");
  EXPECT_TRUE(fields.any);
  EXPECT_EQ(fields.if_match.data(), nullptr);
}

}  // namespace
