#include "stats/sequential.h"

#include <cmath>
#include <gtest/gtest.h>
#include <span>
#include <vector>

#include "stats/simulated.h"

namespace labcoat {
namespace {

using Blocks = std::vector<double>;

// One whole comparison: blocks are drawn only when the test asks for them.
Decision run_study(SequentialTest test, const TwoLevel& law, double truth, Noise& noise) {
  Blocks blocks;
  Decision decision;
  while (test.next_look() != 0) {
    while (blocks.size() < test.next_look()) {
      blocks.push_back(simulated_block(law, truth, noise));
    }
    decision = test.look(blocks);
  }
  return decision;
}

// Shares of all studies; blocks is their mean number.
struct Outcome {
  double better = 0, worse = 0, equivalent = 0, given_up = 0, missed = 0, blocks = 0;
};

Outcome run_studies(int studies, const SequentialDesign& design, const TwoLevel& law,
                    double relative_truth) {
  Noise noise(simulation_seed);
  const SequentialTest fresh(design);
  const double truth = log_ratio_of(relative_truth);
  Outcome share;
  for (int i = 0; i < studies; ++i) {
    const Decision end = run_study(fresh, law, truth, noise);
    share.better += end.verdict == Verdict::better;
    share.worse += end.verdict == Verdict::worse;
    share.equivalent += end.verdict == Verdict::equivalent;
    share.given_up += end.look == Look::given_up;
    share.missed += truth < end.effect.log_ci.lower || truth > end.effect.log_ci.upper;
    share.blocks += static_cast<double>(end.effect.blocks);
  }
  for (double* x : {&share.better, &share.worse, &share.equivalent, &share.given_up, &share.missed,
                    &share.blocks}) {
    *x /= studies;
  }
  return share;
}

// The promise, where it is hardest to keep: at the margin itself both "better" and "equivalent" are
// wrong. Ten thousand studies of two-level data each, looks after 4, 6, 8, 12 and 16 blocks.
TEST(SequentialTest, IsEverWrongInAtMostFivePercentOfStudies) {
  SCOPED_TRACE(simulation_seed);
  for (const Tails tails : {Tails::normal, Tails::heavy}) {
    const TwoLevel law{.slices = 2, .tails = tails};
    const Outcome null = run_studies(10000, {.margin = 0.03}, law, 0);
    EXPECT_LE(null.better + null.worse, 0.05) << "A/A, tails " << static_cast<int>(tails);
    const Outcome edge = run_studies(10000, {.margin = 0.25, .give_up_below = 0}, law, 0.25);
    EXPECT_LE(edge.better + edge.equivalent + edge.worse, 0.05)
        << "at the margin, tails " << static_cast<int>(tails);
    EXPECT_GE(edge.better, 0.01) << "so strict that it wastes blocks";
  }
}

TEST(SequentialTest, PeekingWithTheOrdinaryIntervalWouldErrTwiceAsOften) {
  SCOPED_TRACE(simulation_seed);
  Noise noise(simulation_seed);
  constexpr int studies = 4000;
  int wrong = 0;
  for (int i = 0; i < studies; ++i) {
    const Blocks blocks = simulated_blocks(16, {.slices = 2}, 0, noise);
    bool ever = false;
    for (const size_t look : {4, 6, 8, 12, 16}) {
      const Interval ci = paired_effect(std::span(blocks).first(look)).log_ci;
      ever = ever || ci.lower > 0 || ci.upper < 0;
    }
    wrong += ever;
  }
  EXPECT_GE(wrong, 0.10 * studies);
}

// On a quiet machine: 2 % between runs, long runs.
constexpr TwoLevel quiet{.run_sd = 0.01, .slice_sd = 0.02, .slices = 4};

TEST(SequentialTest, LargeEffectsAreDecidedEarlyAndInTheRightDirection) {
  const Outcome faster = run_studies(1000, {}, quiet, 0.15);
  EXPECT_GE(faster.better, 0.999);
  EXPECT_LE(faster.blocks, 8);
  const Outcome slower = run_studies(1000, {}, quiet, -0.15);
  EXPECT_GE(slower.worse, 0.999);
  EXPECT_LE(slower.blocks, 8);
}

TEST(SequentialTest, EqualArmsAreFoundEquivalentBeforeTheBudgetIsSpent) {
  const Outcome equal = run_studies(1000, {.margin = 0.05}, quiet, 0);
  EXPECT_GE(equal.equivalent, 0.95);
  EXPECT_LE(equal.blocks, 10);
}

TEST(SequentialTest, HopelessComparisonsAreGivenUpAndFewThatWereNotHopeless) {
  const TwoLevel noisy{.run_sd = 0.08, .slice_sd = 0.02, .slices = 2};
  const Outcome hopeless = run_studies(1000, {.margin = 0.03}, noisy, 0);
  EXPECT_GE(hopeless.given_up, 0.85);
  EXPECT_LE(hopeless.blocks, 11);
  const Outcome patient = run_studies(2000, {.margin = 0.03, .give_up_below = 0}, noisy, 0.15);
  const Outcome ready = run_studies(2000, {.margin = 0.03, .give_up_below = 0.05}, noisy, 0.15);
  EXPECT_GE(patient.better, 0.70);
  EXPECT_GE(ready.better, patient.better - 0.03);
}

TEST(SequentialTest, LooksOnlyWhenAskedAndSaysWhenNext) {
  SequentialTest test({.looks = {4, 6, 9}});
  EXPECT_EQ(test.next_look(), 4u);
  EXPECT_EQ(test.blocks_max(), 9u);
  Noise noise(simulation_seed);
  const Blocks blocks = simulated_blocks(9, {.run_sd = 0.02, .slices = 20}, 0.12, noise);
  const Decision first = test.look(std::span(blocks).first(4));
  EXPECT_EQ(first.look, Look::go_on);
  EXPECT_GT(first.chance, 0.05);
  EXPECT_EQ(test.next_look(), 6u);
  // The first interval is wider than the ordinary one, since it spends almost nothing.
  EXPECT_GT(first.effect.confidence, 0.99);
  EXPECT_DEATH(test.look(std::span(blocks).first(5)), "next_look");
}

TEST(SequentialTest, BlocksWithoutNoiseAreDecidedAtTheFirstLook) {
  SequentialTest test({});
  const Decision decision = test.look(Blocks{0.2, 0.2, 0.2, 0.2});
  EXPECT_EQ(decision.look, Look::decided);
  EXPECT_EQ(decision.verdict, Verdict::better);
  EXPECT_EQ(test.next_look(), 0u);
}

TEST(SequentialTest, ABudgetThatEndsEarlySpendsWhatIsLeft) {
  Noise noise(simulation_seed);
  const Blocks blocks = simulated_blocks(16, {.run_sd = 0.02, .slices = 20}, 0.0, noise);
  SequentialTest planned({.give_up_below = 0}), cut_short({.give_up_below = 0});
  planned.look(std::span(blocks).first(4));
  cut_short.look(std::span(blocks).first(4));
  const Decision as_planned = planned.look(std::span(blocks).first(6));
  const Decision at_the_end = cut_short.last_look(std::span(blocks).first(6));
  EXPECT_TRUE(at_the_end.stop());
  EXPECT_EQ(cut_short.next_look(), 0u);
  EXPECT_LT(at_the_end.effect.log_ci.upper, as_planned.effect.log_ci.upper);
}

TEST(SequentialTest, ABudgetThatEndsBeforeFourBlocksKnowsNothing) {
  SequentialTest test({});
  const Decision decision = test.last_look(Blocks{0.2, 0.2, 0.2});
  EXPECT_EQ(decision.look, Look::exhausted);
  EXPECT_EQ(decision.verdict, Verdict::inconclusive);
  EXPECT_NEAR(decision.effect.log_mean, 0.2, 1e-12);
  EXPECT_TRUE(std::isinf(decision.effect.log_ci.upper));
}

// Cutting a comparison short at a random number of blocks must not break the promise either.
TEST(SequentialTest, BudgetsThatEndAnywhereKeepThePromise) {
  SCOPED_TRACE(simulation_seed);
  constexpr int studies = 4000;
  for (const size_t end : {5, 7, 11}) {
    Noise noise(simulation_seed);
    const SequentialTest fresh({.margin = 0.25, .give_up_below = 0});
    // The level of the last look costs milliseconds, and it is the same in every study: take it
    // once.
    int missed = 0;
    std::vector<double> confidences;
    for (int i = 0; i < studies; ++i) {
      const Blocks blocks = simulated_blocks(end, {.slices = 2}, 0, noise);
      SequentialTest test = fresh;
      bool ever = false;
      const auto misses = [](const PairedEffect& effect) {
        return effect.log_ci.lower > 0 || effect.log_ci.upper < 0;
      };
      while (test.next_look() != 0 && test.next_look() < end) {
        ever |= misses(test.look(std::span(blocks).first(test.next_look())).effect);
      }
      if (test.next_look() != 0) {
        if (confidences.empty()) {
          SequentialTest copy = test;
          confidences.push_back(copy.last_look(blocks).effect.confidence);
        }
        ever |= misses(paired_effect(blocks, confidences[0]));
      }
      missed += ever;
    }
    EXPECT_LE(missed, 0.05 * studies + 28) << "ended after " << end;  // two standard deviations
    EXPECT_GE(missed, 0.03 * studies) << "ended after " << end;
  }
}

TEST(SequentialTest, LooksGrowWithTheBudget) {
  EXPECT_EQ(looks_until(4), (std::vector<size_t>{4}));
  EXPECT_EQ(looks_until(5), (std::vector<size_t>{4, 5}));
  EXPECT_EQ(looks_until(9), (std::vector<size_t>{4, 6, 9}));
  EXPECT_EQ(looks_until(16), (std::vector<size_t>{4, 6, 8, 12, 16}));
  EXPECT_EQ(looks_until(40), (std::vector<size_t>{4, 6, 8, 12, 16, 24, 32, 40}));
}

}  // namespace
}  // namespace labcoat
