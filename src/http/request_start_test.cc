#include "http/request_start.h"

#include <gtest/gtest.h>
#include <random>
#include <string>

namespace labcoat::http {
namespace {

TEST(RequestStart, IsUnderstoodInAllItsForms) {
  constexpr i64 whole = i64{1700000000} * seconds;
  const struct {
    const char* text;
    i64 expected;
    const char* who;
  } rows[] = {
      {"t=1700000000.123", whole + 123 * ms, "NGINX: t=${msec}"},
      {"1700000000.123456789012", whole + 123'456'789, "more digits than nanoseconds have"},
      {"1700000000", whole, "seconds"},
      {"t=1700000000123", whole + 123 * ms, "milliseconds"},
      {"1700000000123", whole + 123 * ms, "platforms: without t="},
      {"t=1700000000123456", whole + 123'456 * us, "Apache: t=%t"},
      {"1700000000123.5", whole + 123 * ms + 500 * us, "milliseconds with a fraction"},
      {"1700000000123456789", whole + 123'456'789, "nanoseconds"},
  };
  for (const auto& row : rows) {
    const auto start = parse_request_start(row.text);
    ASSERT_TRUE(start) << row.text << ": " << row.who;
    EXPECT_EQ(*start, row.expected) << row.text << ": " << row.who;
  }
}

TEST(RequestStart, IsNothingWhenItIsNoneOfThem) {
  for (const char* text : {"",
                           "t=",
                           "t",
                           "now",
                           "12345678",
                           "-1700000000",
                           "t=-1",
                           "1700000000.",
                           ".5",
                           "1700000000.1.2",
                           "1700000000s",
                           "t=t=1700000000",
                           " 1700000000",
                           "0001700000000",
                           "17000000001234567890",
                           "99999999999999999999",
                           "9999999999999999999",
                           "1700000000,1700000001",
                           "1e9",
                           "18446744073.999999999"}) {
    EXPECT_FALSE(parse_request_start(text)) << text;
  }
}

TEST(RequestStart, OnlyASaneWaitCounts) {
  constexpr i64 now = i64{1700000000} * seconds;
  EXPECT_EQ(waited_since("t=1699999999.5", now), 500 * ms);
  EXPECT_EQ(waited_since("t=1700000000.5", now), 0) << "the proxy's clock is ahead of ours";
  EXPECT_EQ(waited_since("t=1699996400", now), 3600 * seconds);
  EXPECT_EQ(waited_since("t=1699996399", now), 0) << "more than an hour is a wrong clock";
  EXPECT_EQ(waited_since("nonsense", now), 0);
}

TEST(RequestStart, WhateverIsSaidTheWaitIsBounded) {
  const u64 seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  constexpr std::string_view letters = "0123456789.t= ,-";
  constexpr i64 now = i64{1700000000} * seconds;
  for (int round = 0; round < 200'000; ++round) {
    std::string text(random() % 24, ' ');
    for (char& c : text) c = letters[random() % (random() % 4 == 0 ? letters.size() : 10)];
    const i64 waited = waited_since(text, now);
    ASSERT_TRUE(waited >= 0 && waited <= request_start_age_max_ns) << text;
    const auto start = parse_request_start(text);
    ASSERT_TRUE(!start || *start >= 100'000'000 * seconds) << text;
  }
}

}  // namespace
}  // namespace labcoat::http
