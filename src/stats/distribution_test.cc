#include "stats/distribution.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

// NIST/SEMATECH e-Handbook of Statistical Methods, section 1.3.6.7.2, upper critical values of
// Student's t.
TEST(Distribution, StudentQuantilesAreThoseOfThePrintedTables) {
  const struct {
    double freedom, t95, t975, t99, t999;
  } rows[] = {
      {1, 6.314, 12.706, 31.821, 318.309}, {3, 2.353, 3.182, 4.541, 10.215},
      {5, 2.015, 2.571, 3.365, 5.894},     {9, 1.833, 2.262, 2.821, 4.297},
      {15, 1.753, 2.131, 2.602, 3.733},    {29, 1.699, 2.045, 2.462, 3.396},
      {100, 1.660, 1.984, 2.364, 3.174},
  };
  for (const auto& row : rows) {
    EXPECT_NEAR(student_t_quantile(0.95, row.freedom), row.t95, 0.0006) << row.freedom;
    EXPECT_NEAR(student_t_quantile(0.975, row.freedom), row.t975, 0.0006) << row.freedom;
    EXPECT_NEAR(student_t_quantile(0.99, row.freedom), row.t99, 0.0006) << row.freedom;
    EXPECT_NEAR(student_t_quantile(0.999, row.freedom), row.t999, 0.001) << row.freedom;
  }
}

TEST(Distribution, SharesAndQuantilesUndoEachOther) {
  for (const double p : {1e-9, 0.025, 0.5, 0.8, 0.999}) {
    EXPECT_NEAR(student_t_share(student_t_quantile(p, 5), 5), p, 1e-9 * p + 1e-15) << p;
    EXPECT_NEAR(normal_share(normal_quantile(p)), p, 1e-9 * p + 1e-15) << p;
  }
  EXPECT_NEAR(normal_quantile(0.975), 1.959964, 1e-6);
}

}  // namespace
}  // namespace labcoat
