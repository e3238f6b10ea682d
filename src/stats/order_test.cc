#include "stats/order.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "stats/random.h"

namespace labcoat {
namespace {

TEST(SliceOrder, GivesBothArmsTheSameShareAndCancelsALinearDrift) {
  for (u64 seed = 0; seed < 200; ++seed) {
    const std::vector<Arm> order = slice_order(16, seed);
    ASSERT_EQ(order.size(), 16u);
    EXPECT_EQ(std::count(order.begin(), order.end(), Arm::a), 8) << "seed " << seed;
    long drift = 0;  // the sum of the times at which an arm was up must be the same for both
    for (size_t i = 0; i < order.size(); ++i) {
      drift += order[i] == Arm::a ? static_cast<long>(i) : -static_cast<long>(i);
    }
    EXPECT_EQ(drift, 0) << "seed " << seed;
  }
  EXPECT_EQ(slice_order(2, 1).size(), 2u);
  EXPECT_NE(slice_order(6, 1)[4], slice_order(6, 1)[5]);
}

TEST(SliceOrder, NobodyKnowsWhoComesFirst) {
  int a_first = 0;
  for (u64 seed = 0; seed < 1000; ++seed) a_first += slice_order(4, seed)[0] == Arm::a;
  EXPECT_GT(a_first, 440);
  EXPECT_LT(a_first, 560);
}

TEST(SliceOrder, IsTheSameOnEveryMachine) {
  // Written down once; a change here means that old notebooks can no longer be run again.
  std::string order;
  for (const Arm arm : slice_order(12, 7)) order += arm == Arm::a ? 'A' : 'B';
  EXPECT_EQ(order, "BAABBAABABBA");
}

TEST(Shuffled, EveryOrderComesUpAboutEquallyOften) {
  std::map<std::vector<size_t>, int> seen;
  for (u64 seed = 0; seed < 6000; ++seed) ++seen[shuffled(3, seed)];
  ASSERT_EQ(seen.size(), 6u);
  for (const auto& [order, times] : seen) EXPECT_NEAR(times, 1000, 120);
}

TEST(Random, AgreesWithThePublishedGenerator) {
  // First outputs of SplitMix64 for seed 1234567, as printed by Vigna's reference program.
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317u);
  EXPECT_EQ(random.next(), 3203168211198807973u);
  EXPECT_EQ(random.next(), 9817491932198370423u);
}

TEST(Random, PartsOfAStudyDrawApart) {
  std::set<u64> seeds;
  for (const char* part : {"a/a", "trial:workers", "trial:threads"}) {
    for (u64 block = 0; block < 50; ++block) seeds.insert(derived_seed(42, part, block));
  }
  EXPECT_EQ(seeds.size(), 150u);
  EXPECT_EQ(derived_seed(42, "a/a", 3), derived_seed(42, "a/a", 3));
  EXPECT_NE(derived_seed(42, "a/a", 3), derived_seed(43, "a/a", 3));
}

TEST(Random, IsEvenBelowABoundAndInTheUnitInterval) {
  Random random(1);
  int counts[3] = {};
  for (int i = 0; i < 30000; ++i) ++counts[random.below(3)];
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
  double sum = 0;
  for (int i = 0; i < 10000; ++i) {
    const double x = random.uniform();
    ASSERT_TRUE(x >= 0 && x < 1);
    sum += x;
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
}

}  // namespace
}  // namespace labcoat
