#include "clients/rate_limit.h"

#include <gtest/gtest.h>

using namespace labcoat;
using clients::RateLimit;

TEST(RateLimit, GivesABurstAndThenOneTokenPerInterval) {
  RateLimit limit({.buckets = 64, .secret = 7});
  const RateLimit::Rate rate{.interval_ns = 100 * ms, .burst = 3};
  i64 now = 5 * seconds;
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limit.take("a", rate, now).wait_ns, 0) << i;
  EXPECT_EQ(limit.take("a", rate, now).wait_ns, 100 * ms);
  EXPECT_EQ(limit.take("a", rate, now + 40 * ms).wait_ns, 60 * ms) << "being refused costs nothing";
  EXPECT_EQ(limit.take("b", rate, now).wait_ns, 0) << "another key has a bucket of its own";
  EXPECT_EQ(limit.take("a", rate, now + 100 * ms).wait_ns, 0);
  EXPECT_GT(limit.take("a", rate, now + 100 * ms).wait_ns, 0);
  now += 10 * seconds;
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(limit.take("a", rate, now).wait_ns, 0) << "no more than full";
  EXPECT_GT(limit.take("a", rate, now).wait_ns, 0);
}

TEST(RateLimit, ForgetsTheBucketThatIsFullTheSoonest) {
  RateLimit limit({.buckets = 8, .secret = 7});
  const RateLimit::Rate rate{.interval_ns = 1 * seconds, .burst = 2};
  i64 now = 100 * seconds;
  for (int i = 0; i < 2; ++i) EXPECT_EQ(limit.take("busy", rate, now).wait_ns, 0);
  // Others come and go at a rate that lets one of them be full whenever another comes.
  bool evicted = false;
  for (int i = 0; i < 7; ++i) evicted = limit.take(std::to_string(i), rate, now).evicted || evicted;
  EXPECT_FALSE(evicted) << "there is room for eight";
  EXPECT_GT(limit.take("busy", rate, now).wait_ns, 0);
  now += 1 * seconds;
  EXPECT_FALSE(limit.take("new", rate, now).evicted) << "one of the seven is full again";
  EXPECT_EQ(limit.take("busy", rate, now).wait_ns, 0);
  EXPECT_GT(limit.take("busy", rate, now).wait_ns, 0) << "who is at the limit is not forgotten";
}

TEST(RateLimit, SaysWhenItHadToForgetOneThatWasNotFull) {
  RateLimit limit({.buckets = 8, .secret = 7});
  const RateLimit::Rate rate{.interval_ns = 1 * seconds, .burst = 5};
  int evicted = 0;
  for (int i = 0; i < 20; ++i)
    evicted += limit.take(std::to_string(i), rate, 1 * seconds).evicted ? 1 : 0;
  EXPECT_EQ(evicted, 12);
}
