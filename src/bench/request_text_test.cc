#include "bench/request_text.h"

#include <gtest/gtest.h>

namespace labcoat::bench {
namespace {

Target target_of(const char* url) {
  Target target;
  target.url = *http::parse_url(url);
  return target;
}

TEST(RequestText, IsWhatAServerExpects) {
  const auto text = format_request(target_of("http://shop.example:8080/cart?id=7"));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->bytes, "GET /cart?id=7 HTTP/1.1\r\nHost: shop.example:8080\r\n\r\n");
  EXPECT_FALSE(text->head);
  EXPECT_TRUE(text->safe_to_repeat);
}

TEST(RequestText, GivesABodyItsLength) {
  Target target = target_of("http://a/");
  target.method = "POST";
  target.body = "x=1";
  target.headers = {{"Content-Type", "text/plain"}};
  const auto text = format_request(target);
  ASSERT_TRUE(text);
  EXPECT_EQ(
      text->bytes,
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nx=1");
  EXPECT_FALSE(text->safe_to_repeat);
}

TEST(RequestText, SaysThatAnEmptyPostIsEmpty) {
  Target target = target_of("http://a/");
  target.method = "POST";
  EXPECT_NE(format_request(target)->bytes.find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(RequestText, LeavesGivenHostAlone) {
  Target target = target_of("http://a/");
  target.headers = {{"hOST", "b"}};
  EXPECT_EQ(format_request(target)->bytes, "GET / HTTP/1.1\r\nhOST: b\r\n\r\n");
}

TEST(RequestText, RefusesWhatIsNotHttp) {
  Target target = target_of("http://a/");
  target.method = "GE T";
  EXPECT_FALSE(format_request(target));
  target.method = "GET";
  target.headers = {{"X-A", "1\r\nX-B: 2"}};
  EXPECT_FALSE(format_request(target)) << "a header smuggled in";
  target.headers = {{"X A", "1"}};
  EXPECT_FALSE(format_request(target));
}

TEST(Mix, ChoosesByWeight) {
  std::vector<Target> targets = {target_of("http://a/1"), target_of("http://a/2"),
                                 target_of("http://a/3")};
  targets[0].weight = 1;
  targets[1].weight = 6;
  targets[2].weight = 3;
  const auto mix = Mix::make(targets);
  ASSERT_TRUE(mix);
  const u64 seed = 11;
  SCOPED_TRACE(seed);
  Random random(seed);
  std::vector<int> chosen(3);
  for (int i = 0; i < 100'000; ++i) ++chosen[mix->choose(random)];
  // Six standard deviations of a binomial count are at most 950.
  EXPECT_NEAR(chosen[0], 10'000, 950);
  EXPECT_NEAR(chosen[1], 60'000, 950);
  EXPECT_NEAR(chosen[2], 30'000, 950);
}

TEST(Mix, RefusesNoTargetBadWeightsAndSeveralServers) {
  EXPECT_FALSE(Mix::make({}));
  EXPECT_FALSE(Mix::make({target_of("http://a/"), target_of("http://b/")}));
  EXPECT_FALSE(Mix::make({target_of("http://a/"), target_of("http://a:81/")}));
  Target weightless = target_of("http://a/");
  weightless.weight = 0;
  EXPECT_FALSE(Mix::make({weightless}));
}

}  // namespace
}  // namespace labcoat::bench
