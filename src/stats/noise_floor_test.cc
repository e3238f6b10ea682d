#include "stats/noise_floor.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "stats/effect.h"
#include "stats/sequential.h"
#include "stats/simulated.h"

namespace labcoat {
namespace {

double factor(size_t aa_blocks, size_t blocks) {
  const NoiseFloor floor{.blocks = aa_blocks, .log_sd = 0.01};
  return log_ratio_of(detectable_effect(floor, blocks)) / 0.01 *
         std::sqrt(static_cast<double>(blocks));
}

TEST(NoiseFloor, DetectableEffectTendsToTheTextbooks2Point8AndIsMoreModestForFewBlocks) {
  EXPECT_NEAR(factor(10000, 10000), 2.80, 0.005);
  EXPECT_GT(factor(6, 6), 3.5);
  EXPECT_GT(factor(6, 6), factor(30, 6));
  EXPECT_GT(factor(6, 6), factor(6, 30));
}

TEST(NoiseFloor, MarginIsThreePercentOrTwiceTheHalfWidth) {
  EXPECT_EQ(default_margin({.half_width = 0.010}), 0.03);
  EXPECT_EQ(default_margin({.half_width = 0.020}), 0.04);
}

TEST(NoiseFloor, ArmsThatAreNotTreatedAlikeAreNoticed) {
  EXPECT_TRUE(noise_floor(std::vector<double>{0.10, 0.11, 0.09, 0.10}).biased);
  EXPECT_FALSE(noise_floor(std::vector<double>{0.10, -0.11, 0.09, -0.10}).biased);
}

TEST(NoiseFloor, AnEffectOfThePrintedSizeIsFoundInAtLeastThreeOfFourStudies) {
  SCOPED_TRACE(simulation_seed);
  Noise noise(simulation_seed);
  const TwoLevel law{.slices = 3};
  constexpr int studies = 4000;
  for (const size_t blocks : {6, 10, 16}) {
    int found = 0;
    for (int i = 0; i < studies; ++i) {
      const NoiseFloor floor = noise_floor(simulated_blocks(blocks, law, 0, noise));
      const double truth = log_ratio_of(floor.detectable);
      found += paired_effect(simulated_blocks(blocks, law, truth, noise)).log_ci.lower > 0;
    }
    EXPECT_GE(found, 0.75 * studies) << blocks << " blocks";
  }
}

TEST(NoiseFloor, EqualArmsAreMostlyFoundEquivalentAtTheDefaultMargin) {
  SCOPED_TRACE(simulation_seed);
  Noise noise(simulation_seed);
  const TwoLevel law{.slices = 3};
  constexpr int studies = 2000;
  int equivalent = 0, wrong = 0;
  for (int i = 0; i < studies; ++i) {
    const NoiseFloor floor = noise_floor(simulated_blocks(8, law, 0, noise));
    const Interval ci = paired_effect(simulated_blocks(8, law, 0, noise)).log_ci;
    const Verdict verdict = verdict_of(ci, default_margin(floor));
    equivalent += verdict == Verdict::equivalent;
    wrong += verdict == Verdict::better || verdict == Verdict::worse;
  }
  EXPECT_GE(equivalent, 0.75 * studies);
  EXPECT_LE(wrong, 0.01 * studies);
}

}  // namespace
}  // namespace labcoat
