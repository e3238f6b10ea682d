#include "stats/verdict.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

Interval relative(double lower, double upper) {
  return {log_ratio_of(lower), log_ratio_of(upper)};
}

TEST(Verdict, IsReadFromWhereTheWholeIntervalLies) {
  const struct {
    double lower, upper;
    Verdict verdict;
    const char* why;
  } rows[] = {
      {0.031, 0.08, Verdict::better, "all of it beyond the margin"},
      {-0.08, -0.031, Verdict::worse, "all of it below minus the margin"},
      {-0.029, 0.029, Verdict::equivalent, "all of it within"},
      {0.005, 0.020, Verdict::equivalent, "not zero, but nobody cares"},
      {0.010, 0.050, Verdict::inconclusive, "above zero, but perhaps too little to matter"},
      {-0.05, 0.05, Verdict::inconclusive, "too wide for anything"},
      {-0.20, 0.01, Verdict::inconclusive, "perhaps much worse, perhaps nothing"},
      {0.030, 0.080, Verdict::inconclusive, "the margin itself is not beyond the margin"},
      {-0.030, 0.030, Verdict::inconclusive, "nor within it"},
  };
  for (const auto& row : rows) {
    EXPECT_EQ(verdict_of(relative(row.lower, row.upper), 0.03), row.verdict) << row.why;
  }
}

TEST(Verdict, NamesAreThoseOfTheContract) {
  EXPECT_EQ(verdict_name(Verdict::better), "better");
  EXPECT_EQ(verdict_name(Verdict::worse), "worse");
  EXPECT_EQ(verdict_name(Verdict::equivalent), "equivalent");
  EXPECT_EQ(verdict_name(Verdict::inconclusive), "inconclusive");
}

}  // namespace
}  // namespace labcoat
