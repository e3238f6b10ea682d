#include "supervisor/restart_pace.h"

#include <gtest/gtest.h>

namespace labcoat::supervisor {
namespace {

constexpr i64 young = RestartPace::young_ns / 2;
constexpr i64 old = RestartPace::young_ns * 60;

TEST(RestartPace, replaces_at_once_what_had_worked) {
  RestartPace pace;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(pace.died(i, old), 0);
  EXPECT_TRUE(pace.may_start(0));
}

TEST(RestartPace, pauses_longer_and_longer_between_those_that_die_young) {
  RestartPace pace;
  for (int i = 0; i < RestartPace::free_deaths; ++i) EXPECT_EQ(pace.died(1000, young), 0);
  EXPECT_EQ(pace.died(1000, young), RestartPace::pause_first_ns);
  EXPECT_FALSE(pace.may_start(1000));
  EXPECT_TRUE(pace.may_start(1000 + RestartPace::pause_first_ns));
  EXPECT_EQ(pace.died(1000, young), 2 * RestartPace::pause_first_ns);
  for (int i = 0; i < 100; ++i) pace.died(1000, young);
  EXPECT_EQ(pace.died(1000, young), RestartPace::pause_max_ns);
}

TEST(RestartPace, forgets_after_a_calm_while) {
  RestartPace pace;
  for (int i = 0; i < RestartPace::free_deaths; ++i) pace.died(1000, young);
  EXPECT_EQ(pace.died(1000, young), RestartPace::pause_first_ns);
  const i64 later = 1000 + RestartPace::pause_first_ns + RestartPace::calm_ns + 1;
  EXPECT_EQ(pace.died(later, young), 0);
  EXPECT_EQ(pace.young_deaths(), 1);
}

TEST(RestartPace, forgets_when_one_lives) {
  RestartPace pace;
  for (int i = 0; i < 20; ++i) pace.died(1000, young);
  EXPECT_EQ(pace.died(1000, old), 0);
  EXPECT_EQ(pace.died(1000, young), 0);
}

}  // namespace
}  // namespace labcoat::supervisor
