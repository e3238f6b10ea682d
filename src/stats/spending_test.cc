#include "stats/spending.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "stats/distribution.h"
#include "stats/simulated.h"

namespace labcoat {
namespace {

TEST(Spending, TheShareSpentHalfWayIsThePublishedOne) {
  // Lan and DeMets 1983: 2 - 2 Φ(1.96/sqrt 0.5) = 0.0056.
  EXPECT_NEAR(obrien_fleming_spent(0.5, 0.05), 0.005575, 1e-6);
  EXPECT_EQ(obrien_fleming_spent(1, 0.05), 0.05);
  EXPECT_EQ(obrien_fleming_spent(0, 0.05), 0);
}

// The 5 % boundaries that Lan and DeMets' own program prints for equally spaced looks. It
// spends 2.5 % on each side by the one-sided function, which together is a little less early on
// than the two-sided function spends.
TEST(Spending, BoundariesAreThePublishedOnes) {
  const std::vector<double> published[] = {
      {1.9600},
      {2.9626, 1.9686},
      {3.7103, 2.5114, 1.9930},
      {4.3326, 2.9631, 2.3590, 2.0141},
      {4.8769, 3.3569, 2.6803, 2.2898, 2.0310},
  };
  for (const std::vector<double>& row : published) {
    std::vector<SpentAt> plan;
    for (size_t k = 1; k <= row.size(); ++k) {
      const double information = static_cast<double>(k) / static_cast<double>(row.size());
      plan.push_back({information, 2 * obrien_fleming_spent(information, 0.025)});
    }
    const std::vector<double> levels = nominal_alphas(plan);
    for (size_t k = 0; k < row.size(); ++k) {
      const double z = -normal_quantile(levels[k] / 2);
      EXPECT_NEAR(z, row[k], 0.0003) << row.size() << " looks, look " << k + 1;
    }
  }
}

TEST(Spending, AWalkWithoutEffectCrossesAsOftenAsPlannedAtUnevenLooks) {
  SCOPED_TRACE(simulation_seed);
  const SpentAt plan[] = {{0.25, 0.01}, {0.3, 0.02}, {0.7, 0.06}, {1, 0.10}};
  const std::vector<double> levels = nominal_alphas(plan);
  double boundaries[4];
  for (size_t k = 0; k < 4; ++k) {
    boundaries[k] = -normal_quantile(levels[k] / 2) * std::sqrt(plan[k].information);
  }
  Noise noise(simulation_seed);
  constexpr int walks = 100000;
  int crossed[4] = {};
  for (int i = 0; i < walks; ++i) {
    double position = 0, time = 0;
    bool outside = false;
    for (size_t k = 0; k < 4; ++k) {
      position += noise.normal() * std::sqrt(plan[k].information - time);
      time = plan[k].information;
      outside = outside || std::fabs(position) > boundaries[k];
      crossed[k] += outside;
    }
  }
  for (size_t k = 0; k < 4; ++k) EXPECT_NEAR(crossed[k], plan[k].alpha * walks, 400) << k;
}

TEST(Spending, NothingIsSpentWhereNothingCanBe) {
  const SpentAt looks[] = {{0.001, obrien_fleming_spent(0.001, 0.05)}, {1, 0.05}};
  const std::vector<double> levels = nominal_alphas(looks);
  EXPECT_EQ(levels[0], 0);
  EXPECT_NEAR(levels[1], 0.05, 1e-5);
}

TEST(Spending, LooksInStepsOfAnySizeNeverSpendMoreThanThePlan) {
  std::vector<SpentAt> plan;
  for (const double t : {0.1, 0.11, 0.3, 0.35, 0.9, 1.0}) {
    plan.push_back({t, obrien_fleming_spent(t, 0.05)});
  }
  const std::vector<double> levels = nominal_alphas(plan);
  for (size_t k = 0; k < plan.size(); ++k) {
    // A look alone may not use more than was spent by then, nor less than what is new with it.
    EXPECT_LE(levels[k], plan[k].alpha + 1e-9);
    EXPECT_GE(levels[k], plan[k].alpha - (k == 0 ? 0 : plan[k - 1].alpha) - 1e-9);
  }
}

}  // namespace
}  // namespace labcoat
