#include "lab/block_runner.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

ArmSample answers(u64 ok, u64 errors, double mean_us) {
  ArmSample sample;
  sample.ok = ok;
  sample.errors = errors;
  sample.latency = {.count = ok, .mean = mean_us};
  return sample;
}

TEST(Safety, stops_an_arm_that_takes_more_than_twice_as_long) {
  EXPECT_EQ(unsafe_by_answers(answers(500, 0, 1000), answers(300, 0, 1900)), "");
  EXPECT_NE(unsafe_by_answers(answers(500, 0, 1000), answers(200, 0, 2100)), "");
  // So slow that it answered little: that is the finding, not a lack of data.
  EXPECT_NE(unsafe_by_answers(answers(500, 0, 1000), answers(20, 0, 25'000)), "");
}

TEST(Safety, stops_an_arm_whose_errors_are_half_a_point_above) {
  EXPECT_EQ(unsafe_by_answers(answers(1000, 20, 1000), answers(1000, 24, 1000)), "");
  EXPECT_NE(unsafe_by_answers(answers(1000, 20, 1000), answers(1000, 30, 1000)), "");
  EXPECT_NE(unsafe_by_answers(answers(1000, 0, 1000), answers(0, 30, 0)), "");
}

TEST(Safety, waits_for_enough_answers) {
  EXPECT_EQ(unsafe_by_answers(answers(20, 0, 1000), answers(20, 0, 9000)), "");
  EXPECT_EQ(unsafe_by_answers(answers(500, 0, 1000), answers(20, 2, 1000)), "");
}

TEST(BlockShape, grows_with_the_budget_and_stays_even) {
  size_t before = 0;
  for (const i64 budget : {10, 60, 300, 900, 3600}) {
    const BlockShape shape = shape_for(budget * seconds, 15);
    EXPECT_GE(shape.slices, before);
    EXPECT_EQ(shape.slices % 4, 0u);
    before = shape.slices;
  }
  EXPECT_LE(before, 16u);
}

}  // namespace
}  // namespace labcoat
