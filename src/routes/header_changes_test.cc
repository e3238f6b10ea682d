#include "routes/header_changes.h"

#include <gtest/gtest.h>

namespace labcoat::routes {
namespace {

class HeaderChangesTest : public testing::Test {
 protected:
  // A response with fields of an app and lines of the edge, changed; fields, then lines.
  std::string apply(const HeaderChanges& changes) {
    answer::Response response;
    response.fields = {{"X-Powered-By", "Python"}, {"Set-Cookie", "a=1"}};
    response.lines = "ETag: \"1\"\r\nContent-Type: text/plain\r\n";
    const auto split = std::make_shared<const answer::SplitLines>(response.lines);
    response.split = &split;
    TemplateFacts facts;
    facts.request_id = 0xabc;
    changes.apply(facts, response, text_);
    has_server_ = response.has_server;
    EXPECT_EQ(response.split, nullptr);  // it is not the same as the lines any more
    std::string out;
    for (const http::Field& field : response.fields) {
      out.append(field.name).append(": ").append(field.value).append("\r\n");
    }
    return out.append(response.lines);
  }
  std::string text_;
  bool has_server_ = false;
};

TEST_F(HeaderChangesTest, removes_from_fields_and_from_lines_whatever_the_case) {
  EXPECT_EQ(apply({{"x-powered-by", "etag"}, {}, {}}),
            "Set-Cookie: a=1\r\nContent-Type: text/plain\r\n");
  EXPECT_EQ(apply({{"content-type", "ETag", "set-cookie", "X-POWERED-BY"}, {}, {}}), "");
}

TEST_F(HeaderChangesTest, sets_in_place_of_what_was_there_and_adds_beside_it) {
  EXPECT_EQ(apply({{}, {{"content-TYPE", "text/html"}}, {{"Set-Cookie", "b=2"}}}),
            "X-Powered-By: Python\r\nSet-Cookie: a=1\r\nETag: \"1\"\r\ncontent-TYPE: text/html\r\n"
            "Set-Cookie: b=2\r\n");
}

TEST_F(HeaderChangesTest, lets_the_last_of_two_settings_count) {
  const std::string text = apply({{}, {{"X-A", "site"}, {"x-a", "route"}}, {}});
  EXPECT_EQ(text.find("site"), std::string::npos);
  EXPECT_NE(text.find("x-a: route\r\n"), std::string::npos);
}

TEST_F(HeaderChangesTest, fills_in_the_id_of_the_request_and_leaves_other_braces) {
  const std::string text =
      apply({{}, {{"X-Request-Id", "{request_id}"}, {"Report-To", "{\"group\":\"x\"}"}}, {}});
  EXPECT_NE(text.find("X-Request-Id: 0000000000000abc\r\n"), std::string::npos);
  EXPECT_NE(text.find("Report-To: {\"group\":\"x\"}\r\n"), std::string::npos);
}

TEST_F(HeaderChangesTest, knows_that_a_removed_server_line_is_not_to_be_written) {
  apply({{"X-A"}, {}, {}});
  EXPECT_FALSE(has_server_);
  apply({{"server"}, {}, {}});
  EXPECT_TRUE(has_server_);
  apply({{}, {{"Server", "mine"}}, {}});
  EXPECT_TRUE(has_server_);
}

}  // namespace
}  // namespace labcoat::routes
