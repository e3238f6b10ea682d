#include "edge/route_places.h"

#include <array>
#include <gtest/gtest.h>
#include <random>

namespace labcoat::edge {
namespace {

using Entry = RoutePlaces::Entry;

TEST(RoutePlaces, PassOnFromOneRequestToTheNextInTheirOrder) {
  RoutePlaces places(2, 3);
  EXPECT_EQ(places.enter(0), Entry::taken);
  EXPECT_EQ(places.enter(1), Entry::taken);
  EXPECT_EQ(places.enter(1), Entry::waiting);
  EXPECT_EQ(places.enter(0), Entry::waiting);
  EXPECT_EQ(places.enter(1), Entry::waiting);
  EXPECT_EQ(places.enter(0), Entry::full);
  EXPECT_EQ(places.leave(), 1);
  EXPECT_EQ(places.leave(), 0);
  EXPECT_EQ(places.leave(), 1);
  EXPECT_EQ(places.leave(), RoutePlaces::nobody);
  EXPECT_EQ(places.leave(), RoutePlaces::nobody);
  EXPECT_EQ(places.enter(0), Entry::taken);
}

TEST(RoutePlaces, OneThatWentKeepsNobodyWaiting) {
  RoutePlaces places(1, 3);
  EXPECT_EQ(places.enter(0), Entry::taken);
  EXPECT_EQ(places.enter(1), Entry::waiting);
  EXPECT_EQ(places.enter(2), Entry::waiting);
  places.forget(1);
  EXPECT_EQ(places.leave(), 2);
  places.forget(2);  // it went while its place was on the way
  EXPECT_EQ(places.leave(), RoutePlaces::nobody);
  EXPECT_EQ(places.enter(0), Entry::taken);
}

// Threads with requests that come, are done and go, in any order: never more than the places, and
// in the end all of them are free again.
TEST(RoutePlaces, AreNeverLostAndNeverTwoOfOne) {
  const u64 seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  constexpr int threads = 3, count = 4;
  RoutePlaces places(count, 5);
  std::array<int, threads> waiting{}, running{};
  std::deque<int> on_the_way;  // places given to threads that have not heard of it yet
  const auto give = [&](int thread) {
    if (thread != RoutePlaces::nobody) on_the_way.push_back(thread);
  };
  const auto arrive = [&] {
    const auto thread = static_cast<size_t>(on_the_way.front());
    on_the_way.pop_front();
    if (waiting[thread] == 0) return give(places.leave());
    --waiting[thread];
    ++running[thread];
  };
  for (int step = 0; step < 100'000; ++step) {
    const auto thread = static_cast<size_t>(random() % threads);
    switch (random() % 4) {
      case 0: {
        const Entry entry = places.enter(static_cast<int>(thread));
        if (entry == Entry::taken) ++running[thread];
        if (entry == Entry::waiting) ++waiting[thread];
        break;
      }
      case 1:
        if (running[thread] > 0) {
          --running[thread];
          give(places.leave());
        }
        break;
      case 2:
        if (waiting[thread] > 0) {
          --waiting[thread];
          places.forget(static_cast<int>(thread));
        }
        break;
      default:
        if (!on_the_way.empty()) arrive();
    }
    ASSERT_LE(running[0] + running[1] + running[2], count);
  }
  while (!on_the_way.empty()) arrive();
  for (size_t thread = 0; thread < threads; ++thread) {
    for (; waiting[thread] > 0; --waiting[thread]) places.forget(static_cast<int>(thread));
    for (; running[thread] > 0; --running[thread]) give(places.leave());
  }
  while (!on_the_way.empty()) arrive();
  for (int i = 0; i < count; ++i) EXPECT_EQ(places.enter(0), Entry::taken);
  EXPECT_EQ(places.enter(0), Entry::waiting);
}

}  // namespace
}  // namespace labcoat::edge
