#include "edge/http2_head.h"

#include <gtest/gtest.h>

namespace labcoat::edge {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;
using Verdict = Http2Head::Verdict;

Fields get(Fields more = {}) {
  Fields fields = {
      {":method", "GET"}, {":scheme", "https"}, {":authority", "shop"}, {":path", "/a%20b?q=1"}};
  fields.insert(fields.end(), more.begin(), more.end());
  return fields;
}

Http2Head head_of(const Fields& fields, const http::RequestLimits& limits = {}) {
  Http2Head head;
  head.begin();
  for (const auto& [name, value] : fields) head.add(name, value, limits);
  return head;
}

TEST(Http2Head, MakesTheHeadThatHttp1WouldHaveMade) {
  Http2Head head = head_of(get({{"x", "1"}, {"cookie", "a"}, {"y", "2"}, {"cookie", "b"}}));
  http::RequestHead out;
  ASSERT_EQ(head.finish({}, out), Verdict::good);
  EXPECT_EQ(out.method, "GET");
  EXPECT_EQ(out.target, "/a%20b?q=1");
  EXPECT_EQ(out.path, "/a%20b");
  EXPECT_EQ(out.query, "q=1");
  EXPECT_TRUE(out.has_query);
  EXPECT_EQ(out.host, "shop");
  EXPECT_EQ(out.major_version, 2);
  ASSERT_EQ(out.field_count, 4U);
  EXPECT_EQ(out.find("host")->value, "shop");
  EXPECT_EQ(out.find("cookie")->value, "a; b");
  EXPECT_EQ(out.fields[2].name, "y");
}

TEST(Http2Head, CanBeFinishedOnceMoreAfterAMove) {
  Http2Head first = head_of(get({{"cookie", "a"}}));
  http::RequestHead out;
  ASSERT_EQ(first.finish({}, out), Verdict::good);
  Http2Head second = std::move(first);
  http::RequestHead again;
  ASSERT_EQ(second.finish({}, again), Verdict::good);
  EXPECT_EQ(again.find("cookie")->value, "a");
  EXPECT_EQ(again.field_count, 2U);
}

TEST(Http2Head, BeginForgetsEverything) {
  Http2Head head = head_of(get({{"connection", "close"}, {"host", "other"}}));
  head.begin();
  for (const auto& [name, value] : get()) head.add(name, value, {});
  http::RequestHead out;
  EXPECT_EQ(head.finish({}, out), Verdict::good);
}

TEST(Http2Head, HostAndAuthorityMustAgreeButMayDifferInCase) {
  http::RequestHead same, other;
  EXPECT_EQ(head_of(get({{"host", "SHOP"}})).finish({}, same), Verdict::good);
  EXPECT_EQ(head_of(get({{"host", "shop:443"}})).finish({}, other), Verdict::malformed);
}

TEST(Http2Head, LimitsAreAnswered) {
  struct Case {
    const char* why;
    Fields fields;
    int status;
  };
  const Case cases[] = {
      {"fields together", get({{"x", std::string(4000, 'x')}}), 431},
      {"number of fields", get(Fields(21, {"x", "1"})), 431},
      {"target",
       [] {
         Fields fields = get();
         fields[3].second = "/" + std::string(100, 'x');
         return fields;
       }(),
       414},
  };
  http::RequestLimits limits;
  limits.header_bytes_max = 2000;
  limits.fields_max = 20;
  limits.target_bytes_max = 100;
  for (const Case& one : cases) {
    http::RequestHead out;
    EXPECT_EQ(head_of(one.fields, limits).finish(limits, out), Verdict::refused) << one.why;
    EXPECT_EQ(out.status, one.status) << one.why;
  }
}

TEST(Http2Head, CountsWhatItDoesNotKeep) {
  http::RequestLimits limits;
  limits.header_bytes_max = 100;
  Http2Head head;
  head.begin();
  for (int i = 0; i < 10; ++i) head.add("x", std::string(100, 'x'), limits);
  EXPECT_EQ(head.list_bytes(), 10U * (1 + 100 + 32));
}

}  // namespace
}  // namespace labcoat::edge
