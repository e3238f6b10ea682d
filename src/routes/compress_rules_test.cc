#include "routes/compress_rules.h"

#include <gtest/gtest.h>

using namespace labcoat;
using namespace labcoat::routes;
using http::ContentCoding;

namespace {

config::Route route_with(std::vector<std::string> compress) {
  config::Route route;
  route.compress = std::move(compress);
  return route;
}

answer::Response answer_with(std::vector<http::Field> fields, i64 bytes = -1) {
  answer::Response response;
  response.body_bytes = bytes;
  response.fields = std::move(fields);
  return response;
}

std::string value_of(const answer::Response& response, std::string_view name) {
  std::string all;
  for (const http::Field& field : response.fields) {
    if (http::same_name(field.name, name)) all.append(all.empty() ? "" : " | ").append(field.value);
  }
  return all;
}

TEST(CompressRules, are_off_for_apps_until_the_route_says_otherwise) {
  EXPECT_EQ(CompressRules(route_with({})).codings(), 0U);
  EXPECT_EQ(CompressRules(route_with({"off"})).codings(), 0U);
  EXPECT_EQ(CompressRules(route_with({"on"})).codings(), 7U);
  EXPECT_EQ(CompressRules(route_with({"gzip"})).codings(), 4U);
  EXPECT_EQ(CompressRules(route_with({"gzip", "br"})).codings(), 5U);
  EXPECT_EQ(codings_of({}, {.by_default = true}), 7U);
}

TEST(CompressRules, choose_by_what_the_head_says) {
  const CompressRules rules(route_with({"on"}));
  const struct {
    const char* why;
    std::vector<http::Field> fields;
    i64 bytes;
    bool expected;
  } cases[] = {
      {"text of unknown length", {{"Content-Type", "text/html; charset=utf-8"}}, -1, true},
      {"just large enough", {{"content-type", "application/json"}}, 1024, true},
      {"too small", {{"content-type", "application/json"}}, 1023, false},
      {"a picture", {{"Content-Type", "image/png"}}, 5000, false},
      {"events, which are flushed one by one", {{"Content-Type", "text/event-stream"}}, -1, false},
      {"no type", {}, 5000, false},
      {"has a coding", {{"Content-Type", "text/html"}, {"Content-Encoding", "gzip"}}, -1, false},
      {"has none, as it says",
       {{"Content-Type", "a/b+json"}, {"Content-Encoding", "identity"}},
       -1,
       true},
      {"a part", {{"Content-Type", "text/html"}, {"Content-Range", "bytes 0-1/2"}}, -1, false},
      {"must stay as it is",
       {{"Content-Type", "text/html"}, {"Cache-Control", "private, No-Transform"}},
       -1,
       false},
      {"a digest of the bytes",
       {{"Content-Type", "text/html"}, {"Digest", "sha-256=x"}},
       -1,
       false},
  };
  for (const auto& one : cases) {
    EXPECT_EQ(rules.is_for(answer_with(one.fields, one.bytes)), one.expected) << one.why;
  }
  for (const int status : {204, 206, 304}) {
    answer::Response response = answer_with({{"Content-Type", "text/html"}});
    response.status = status;
    EXPECT_FALSE(rules.is_for(response)) << status;
  }
}

TEST(CompressRules, take_types_and_a_size_of_the_user) {
  config::Route route = route_with({"on"});
  route.compress_types = {"text/event-stream", "model/*"};
  route.compress_min = 10;
  const CompressRules rules(route);
  EXPECT_TRUE(rules.is_for(answer_with({{"Content-Type", "Text/Event-Stream; a=b"}})));
  EXPECT_TRUE(rules.is_for(answer_with({{"Content-Type", "model/obj"}}, 10)));
  EXPECT_FALSE(rules.is_for(answer_with({{"Content-Type", "text/html"}}, 5000)));
}

TEST(CompressRules, change_the_head_into_one_of_another_representation) {
  answer::Response response = answer_with({{"Content-Type", "text/html"},
                                           {"ETag", "\"a\""},
                                           {"Accept-Ranges", "bytes"},
                                           {"Content-Encoding", "identity"},
                                           {"Vary", "Cookie"}},
                                          5000);
  std::string text;
  add_vary(response);
  put_into_coding(response, ContentCoding::br, text);
  EXPECT_EQ(value_of(response, "ETag"), "W/\"a\"");
  EXPECT_EQ(value_of(response, "Content-Encoding"), "br");
  EXPECT_EQ(value_of(response, "Accept-Ranges"), "");
  EXPECT_EQ(value_of(response, "Vary"), "Cookie | Accept-Encoding");
  EXPECT_EQ(response.body_bytes, -1);
  put_into_coding(response, ContentCoding::gzip, text);
  EXPECT_EQ(value_of(response, "ETag"), "W/\"a\"") << "it is weak already";
}

TEST(CompressRules, say_once_that_an_answer_varies) {
  for (const char* vary : {"accept-encoding", "Cookie , Accept-Encoding", "*"}) {
    answer::Response response = answer_with({{"vary", vary}});
    add_vary(response);
    EXPECT_EQ(value_of(response, "Vary"), vary);
  }
}

}  // namespace
