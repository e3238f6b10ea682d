#include "stats/effect.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "stats/distribution.h"
#include "stats/simulated.h"

namespace labcoat {
namespace {

// Student's own example (Biometrika 1908, table of Cushny and Peebles: extra sleep of ten patients,
// drug 2 against drug 1): mean 1.58, sd 1.23, and the interval every textbook prints, 0.70 to 2.46.
TEST(PairedEffect, AgreesWithStudentsSleepData) {
  const std::vector<double> sleep = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};
  const PairedEffect effect = paired_effect(sleep);
  EXPECT_EQ(effect.blocks, 10u);
  EXPECT_NEAR(effect.log_mean, 1.58, 1e-12);
  EXPECT_NEAR(effect.log_sd, 1.229995, 1e-6);
  EXPECT_NEAR(effect.log_ci.lower, 0.7001142, 1e-6);
  EXPECT_NEAR(effect.log_ci.upper, 2.4598858, 1e-6);
}

TEST(PairedEffect, IsShownAsARelativeChange) {
  const std::vector<double> blocks = {std::log(1.10), std::log(1.12), std::log(1.08)};
  const PairedEffect effect = paired_effect(blocks);
  EXPECT_NEAR(effect.relative(), std::cbrt(1.10 * 1.12 * 1.08) - 1, 1e-12);
  EXPECT_LT(effect.relative_ci().lower, 0.08);
  EXPECT_GT(effect.relative_ci().upper, 0.12);
  EXPECT_NEAR(log_ratio_of(relative_of(-0.4)), -0.4, 1e-15);
}

TEST(PairedEffect, KnowsNothingFromFewerThanTwoBlocks) {
  const std::vector<double> one = {0.3};
  for (const PairedEffect& effect : {paired_effect({}), paired_effect(one)}) {
    EXPECT_TRUE(std::isinf(effect.log_ci.lower) && effect.log_ci.lower < 0);
    EXPECT_TRUE(std::isinf(effect.log_ci.upper) && effect.log_ci.upper > 0);
    EXPECT_EQ(effect.relative_ci().lower, -1);
  }
}

// Coverage: of many studies whose truth is +5 %, about 95 % of the intervals must hold it.
double coverage(size_t blocks, Tails tails) {
  Noise noise(simulation_seed);
  const TwoLevel law{.slices = 2, .tails = tails};
  const double truth = log_ratio_of(0.05);
  constexpr int studies = 5000;
  int held = 0;
  for (int i = 0; i < studies; ++i) {
    const Interval ci = paired_effect(simulated_blocks(blocks, law, truth, noise)).log_ci;
    held += ci.lower <= truth && truth <= ci.upper;
  }
  return static_cast<double>(held) / studies;
}

TEST(PairedEffect, IntervalsHoldTheTruthAsOftenAsPromised) {
  SCOPED_TRACE(simulation_seed);
  for (const size_t blocks : {6, 10, 30}) {
    for (const Tails tails : {Tails::normal, Tails::heavy, Tails::bimodal}) {
      const double held = coverage(blocks, tails);
      EXPECT_GE(held, 0.93) << blocks << " blocks, tails " << static_cast<int>(tails);
      EXPECT_LE(held, 0.97) << blocks << " blocks, tails " << static_cast<int>(tails);
    }
  }
}

// The reason why this folder knows blocks only. The same A/A data, judged twice.
TEST(PairedEffect, BlocksErrAsPromisedWhereRequestsAsEvidenceErrMostOfTheTime) {
  SCOPED_TRACE(simulation_seed);
  Noise noise(simulation_seed);
  const TwoLevel law{.slices = 100};
  constexpr int studies = 2000, blocks = 6;
  int wrong_by_blocks = 0, wrong_by_requests = 0;
  for (int study = 0; study < studies; ++study) {
    std::vector<double> by_block, requests_a, requests_b;
    for (int i = 0; i < blocks; ++i) {
      const std::vector<double> a = simulated_run(law, 0, noise);
      const std::vector<double> b = simulated_run(law, 0, noise);
      by_block.push_back(mean_of(b) - mean_of(a));
      requests_a.insert(requests_a.end(), a.begin(), a.end());
      requests_b.insert(requests_b.end(), b.begin(), b.end());
    }
    const Interval ci = paired_effect(by_block).log_ci;
    wrong_by_blocks += ci.lower > 0 || ci.upper < 0;
    // The z test of 600 against 600 requests, as if each were a witness of its own.
    const double error =
        std::hypot(paired_effect(requests_a).log_sd, paired_effect(requests_b).log_sd) /
        std::sqrt(static_cast<double>(requests_a.size()));
    wrong_by_requests += std::fabs(mean_of(requests_b) - mean_of(requests_a)) > 1.96 * error;
  }
  EXPECT_LE(wrong_by_blocks, 0.06 * studies);
  EXPECT_GE(wrong_by_requests, 0.30 * studies);
}

}  // namespace
}  // namespace labcoat
