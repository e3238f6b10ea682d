#include "stats/confidence_sequence.h"

#include <cmath>
#include <gtest/gtest.h>

#include "stats/simulated.h"

namespace labcoat {
namespace {

TEST(ConfidenceSequence, SaysNothingBeforeTheSpreadIsKnown) {
  ConfidenceSequence sequence({.blocks_min = 20});
  for (int i = 0; i < 19; ++i) sequence.add(i % 2 == 0 ? 0.01 : -0.01);
  EXPECT_TRUE(std::isinf(sequence.effect().log_ci.upper));
  sequence.add(0.01);
  EXPECT_LT(sequence.effect().log_ci.upper, 0.03);
}

TEST(ConfidenceSequence, CostsAboutOneAndAHalfTimesTheWidthOfASingleLook) {
  Noise noise(simulation_seed);
  std::vector<double> blocks;
  ConfidenceSequence sequence({.narrowest_at = 100});
  for (int i = 0; i < 100; ++i) {
    blocks.push_back(noise.normal());
    sequence.add(blocks.back());
  }
  const PairedEffect once = paired_effect(blocks);
  const PairedEffect ever = sequence.effect();
  EXPECT_NEAR(ever.log_mean, once.log_mean, 1e-12);
  EXPECT_NEAR(ever.log_sd, once.log_sd, 1e-12);
  const double price =
      (ever.log_ci.upper - ever.log_ci.lower) / (once.log_ci.upper - once.log_ci.lower);
  EXPECT_NEAR(price, 1.55, 0.06);
}

TEST(ConfidenceSequence, ReadAfterEachOfAThousandBlocksItErrsInAtMostFivePercent) {
  SCOPED_TRACE(simulation_seed);
  for (const Tails tails : {Tails::normal, Tails::heavy}) {
    Noise noise(simulation_seed);
    constexpr int studies = 1000;
    int ever_wrong = 0;
    for (int study = 0; study < studies; ++study) {
      ConfidenceSequence sequence({});
      bool wrong = false;
      for (int block = 0; block < 1000 && !wrong; ++block) {
        sequence.add(0.05 * (tails == Tails::normal ? noise.normal() : noise.heavy()));
        const Interval ci = sequence.effect().log_ci;
        wrong = ci.lower > 0 || ci.upper < 0;
      }
      ever_wrong += wrong;
    }
    EXPECT_LE(ever_wrong, 0.05 * studies) << "tails " << static_cast<int>(tails);
    EXPECT_GE(ever_wrong, 0.002 * studies) << "an interval that never errs is too wide";
  }
}

}  // namespace
}  // namespace labcoat
