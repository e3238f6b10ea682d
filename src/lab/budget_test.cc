#include "lab/budget.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

Budget five_minutes_with_blocks_of(i64 block_ns) {
  Budget budget(0, 300 * seconds);
  budget.block_took(block_ns);
  return budget;
}

TEST(Budget, gives_every_one_of_fifteen_questions_its_blocks_and_still_confirms) {
  Budget budget = five_minutes_with_blocks_of(2500 * ms);
  i64 now = 0;
  now += static_cast<i64>(budget.noise_plan(now)) * budget.block_ns();
  for (size_t left = 15; left > 0; --left) {
    const size_t blocks = budget.question_plan(now, left, 3);
    EXPECT_GE(blocks, Budget::blocks_min) << left << " questions left";
    // Every question uses all it was given: the worst case.
    now += static_cast<i64>(blocks) * budget.block_ns();
  }
  for (size_t left = 3; left > 0; --left) {
    const size_t blocks = budget.ablation_plan(now, left);
    EXPECT_GE(blocks, Budget::blocks_min);
    now += static_cast<i64>(blocks) * budget.block_ns();
  }
  const size_t blocks = budget.confirmation_plan(now);
  EXPECT_GE(blocks, Budget::confirmation_blocks_min);
  EXPECT_LE(now + static_cast<i64>(blocks) * budget.block_ns(), 300 * seconds);
}

TEST(Budget, refuses_a_question_that_would_eat_the_confirmation) {
  const Budget budget = five_minutes_with_blocks_of(3 * seconds);
  const i64 now = 300 * seconds - 10 * 3 * seconds;
  EXPECT_EQ(budget.question_plan(now, 3, 0), 0u);
  EXPECT_GE(budget.confirmation_plan(now), Budget::confirmation_blocks_min);
}

TEST(Budget, gives_time_saved_by_quick_answers_to_later_questions) {
  const Budget budget = five_minutes_with_blocks_of(3 * seconds);
  EXPECT_GT(budget.question_plan(60 * seconds, 3, 0), budget.question_plan(230 * seconds, 3, 0));
  EXPECT_EQ(budget.question_plan(60 * seconds, 3, 0), Budget::question_blocks_max);
}

TEST(Budget, believes_quickly_that_blocks_got_slower) {
  Budget budget = five_minutes_with_blocks_of(2 * seconds);
  budget.block_took(4 * seconds);
  EXPECT_EQ(budget.block_ns(), 3 * seconds);
  budget.block_took(2 * seconds);
  EXPECT_GT(budget.block_ns(), 2700 * ms);
}

TEST(Budget, never_plans_less_noise_than_a_verdict_needs) {
  Budget budget(0, 10 * seconds);
  budget.block_took(3 * seconds);
  EXPECT_EQ(budget.noise_plan(3 * seconds), Budget::blocks_min);
}

}  // namespace
}  // namespace labcoat
