#include "base/histogram.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <random>

namespace labcoat {
namespace {

TEST(Histogram, AnEmptyOneAnswersZero) {
  const Histogram empty;
  EXPECT_EQ(empty.count(), 0u);
  EXPECT_EQ(empty.quantile_ns(0.99), 0);
  EXPECT_EQ(empty.min_ns(), 0);
}

TEST(Histogram, EveryQuantileIsWithinAThousandthOfTheTruth) {
  std::mt19937_64 random(7);
  std::lognormal_distribution<double> law(13, 3);  // around 0.4 ms, tails to minutes
  std::vector<i64> values;
  Histogram histogram;
  for (int i = 0; i < 200000; ++i) {
    const i64 value =
        std::clamp(static_cast<i64>(law(random)), Histogram::value_min_ns, Histogram::value_max_ns);
    values.push_back(value);
    histogram.record(value);
  }
  std::sort(values.begin(), values.end());
  for (const double p : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0}) {
    const size_t rank = std::max<size_t>(1, static_cast<size_t>(std::ceil(p * 200000.0)));
    const double truth = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(histogram.quantile_ns(p)), truth, truth / 1000) << p;
  }
  EXPECT_EQ(histogram.max_ns(), values.back());
  EXPECT_EQ(histogram.min_ns(), values.front());
}

TEST(Histogram, ValuesOutsideTheRangeAreClampedAndTheUpperOnesCounted) {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(10);
  histogram.record(2 * Histogram::value_max_ns);
  EXPECT_EQ(histogram.min_ns(), Histogram::value_min_ns);
  EXPECT_EQ(histogram.max_ns(), Histogram::value_max_ns);
  EXPECT_EQ(histogram.clamped(), 1u);
}

TEST(Histogram, MergingIsTheSameAsRecordingIntoOne) {
  Histogram a, b, both;
  for (i64 v = 1; v < 5000; ++v) {
    (v % 3 == 0 ? a : b).record(v * 7919);
    both.record(v * 7919);
  }
  a.merge(b);
  EXPECT_EQ(a.count(), both.count());
  EXPECT_DOUBLE_EQ(a.mean_ns(), both.mean_ns());
  for (const double p : {0.1, 0.5, 0.999}) EXPECT_EQ(a.quantile_ns(p), both.quantile_ns(p));
}

}  // namespace
}  // namespace labcoat
