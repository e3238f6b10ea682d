#include "stats/robust_effect.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "stats/simulated.h"

namespace labcoat {
namespace {

// Hollander and Wolfe, "Nonparametric Statistical Methods", example 3.1: Hamilton's depression
// factor of nine patients, before and after. T+ = 5, two-sided exact p = 0.0390625, estimate -0.46.
TEST(RobustEffect, AgreesWithTheTextbook) {
  const std::vector<double> before = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
  const std::vector<double> after = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
  std::vector<double> change;
  for (size_t i = 0; i < before.size(); ++i) change.push_back(after[i] - before[i]);
  const RobustEffect effect = robust_effect(change, 0.96);
  EXPECT_NEAR(effect.p_value, 0.0390625, 1e-12);
  EXPECT_NEAR(effect.log_median, -0.46, 1e-9);
  EXPECT_NEAR(effect.log_ci.lower, -0.786, 1e-9);
  EXPECT_NEAR(effect.log_ci.upper, -0.010, 1e-9);
}

TEST(RobustEffect, NeedsSixBlocksFor95Percent) {
  const std::vector<double> blocks = {0.1, 0.2, 0.3, 0.4, 0.5, 0.6};
  EXPECT_TRUE(std::isinf(robust_effect(std::span(blocks).first(5)).log_ci.upper));
  EXPECT_EQ(robust_effect(std::span(blocks).first(5)).p_value, 2.0 / 32);
  const RobustEffect six = robust_effect(blocks);
  EXPECT_EQ(six.p_value, 2.0 / 64);
  EXPECT_EQ(six.log_ci.lower, 0.1);
  EXPECT_EQ(six.log_ci.upper, 0.6);
}

TEST(RobustEffect, TiesShareTheirRanksAndZerosTakeNoSide) {
  // Ranks 1.5, 1.5, 3; below: 1.5. Of the 8 sign patterns, sums 0, 1.5, 1.5 are as small: p = 2 *
  // 3/8.
  EXPECT_DOUBLE_EQ(robust_effect(std::vector<double>{-0.1, 0.1, 0.2, 0.0}).p_value, 0.75);
  EXPECT_EQ(robust_effect(std::vector<double>{0.0, 0.0}).p_value, 1);
  EXPECT_EQ(robust_effect({}).p_value, 1);
}

TEST(RobustEffect, TheNormalLawTakesOverWithoutAStep) {
  Noise noise(simulation_seed);
  std::vector<double> blocks;
  for (int i = 0; i < 201; ++i) blocks.push_back(0.12 + noise.normal());
  const RobustEffect exact = robust_effect(std::span(blocks).first(200));
  const RobustEffect normal = robust_effect(blocks);
  EXPECT_NEAR(exact.log_ci.lower, normal.log_ci.lower, 0.02);
  EXPECT_NEAR(exact.log_ci.upper, normal.log_ci.upper, 0.02);
  EXPECT_NEAR(exact.p_value, normal.p_value, 0.05);
}

TEST(RobustEffect, WildBlocksMoveTheMeanButNotTheMedianAndAreReported) {
  Noise noise(simulation_seed);
  std::vector<double> blocks;
  for (int i = 0; i < 20; ++i) blocks.push_back(0.010 + 0.001 * noise.normal());
  EXPECT_FALSE(outliers_decide(paired_effect(blocks), robust_effect(blocks)));
  blocks.push_back(-0.9);
  blocks.push_back(-0.8);
  EXPECT_NEAR(robust_effect(blocks).log_median, 0.010, 0.001);
  EXPECT_LT(paired_effect(blocks).log_mean, -0.06);
  EXPECT_TRUE(outliers_decide(paired_effect(blocks), robust_effect(blocks)));
}

TEST(RobustEffect, IntervalsHoldTheTruthAtLeastAsOftenAsPromised) {
  SCOPED_TRACE(simulation_seed);
  Noise noise(simulation_seed);
  const TwoLevel law{.slices = 4, .tails = Tails::heavy};
  constexpr int studies = 2000;
  int held = 0, rejected = 0;
  for (int i = 0; i < studies; ++i) {
    const RobustEffect effect = robust_effect(simulated_blocks(10, law, 0, noise));
    held += effect.log_ci.lower <= 0 && 0 <= effect.log_ci.upper;
    rejected += effect.p_value < 0.05;
  }
  EXPECT_GE(held, 0.94 * studies);
  EXPECT_LE(rejected, 0.06 * studies);
}

}  // namespace
}  // namespace labcoat
