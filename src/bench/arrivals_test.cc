#include "bench/arrivals.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

namespace labcoat::bench {
namespace {

constexpr u64 no_bound = std::numeric_limits<u64>::max();

std::vector<i64> all(Arrivals& arrivals) {
  std::vector<i64> times;
  while (!arrivals.exhausted()) times.push_back(arrivals.take());
  return times;
}

TEST(Arrivals, ComeAtTheWantedRateWithExponentialGaps) {
  const u64 seed = 42;
  SCOPED_TRACE(seed);
  Arrivals arrivals(1000, seed);
  arrivals.begin(0, 100 * seconds, no_bound);
  const std::vector<i64> times = all(arrivals);
  // 100 000 expected; six standard deviations of a Poisson count are 1 900.
  EXPECT_NEAR(static_cast<double>(times.size()), 1e5, 1900);
  // Of exponential gaps, a share of 1/e is longer than the mean.
  size_t long_gaps = 0;
  for (size_t i = 1; i < times.size(); ++i) {
    ASSERT_LE(times[i - 1], times[i]);
    if (times[i] - times[i - 1] > 1 * ms) ++long_gaps;
  }
  EXPECT_NEAR(static_cast<double>(long_gaps) / static_cast<double>(times.size()), std::exp(-1),
              0.01);
}

TEST(Arrivals, StayInsideTheSlice) {
  Arrivals arrivals(500, 7);
  for (int slice = 0; slice < 50; ++slice) {
    const i64 start = slice * seconds;
    arrivals.begin(start, start + seconds / 4, no_bound);
    for (const i64 time : all(arrivals)) {
      ASSERT_GE(time, start);
      ASSERT_LT(time, start + seconds / 4);
    }
  }
}

TEST(Arrivals, AreTheSameForTheSameSeed) {
  Arrivals one(100, 3), same(100, 3), other(100, 4);
  for (Arrivals* arrivals : {&one, &same, &other}) arrivals->begin(5, 60 * seconds, no_bound);
  const std::vector<i64> times = all(one);
  EXPECT_EQ(times, all(same));
  EXPECT_NE(times, all(other));
}

TEST(Arrivals, EndAfterTheirCount) {
  Arrivals arrivals(1000, 1);
  arrivals.begin(0, std::numeric_limits<i64>::max() / 2, 17);
  EXPECT_EQ(all(arrivals).size(), 17u);
}

TEST(Arrivals, OfRateZeroNeverCome) {
  Arrivals arrivals(0, 1);
  arrivals.begin(0, seconds, no_bound);
  EXPECT_TRUE(arrivals.exhausted());
  EXPECT_FALSE(arrivals.due(2 * seconds));
}

TEST(Arrivals, AreDueOnceTheirTimeHasCome) {
  Arrivals arrivals(10, 1);
  arrivals.begin(0, 100 * seconds, no_bound);
  const i64 first = arrivals.next();
  EXPECT_FALSE(arrivals.due(first - 1));
  EXPECT_TRUE(arrivals.due(first));
  EXPECT_EQ(arrivals.take(), first);
}

}  // namespace
}  // namespace labcoat::bench
