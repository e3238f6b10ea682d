#include "supervisor/autoscaler.h"

#include <gtest/gtest.h>

namespace labcoat::supervisor {
namespace {

constexpr i64 tick = Autoscaler::look_interval_ns;
const Autoscaler::Seen flooded{.waiting = 100, .oldest_wait_ns = seconds, .busy = 2};

// The number of workers after so many looks at the same picture.
int after(Autoscaler& scaler, i64& now, int looks, int wanted, const Autoscaler::Seen& seen) {
  for (int i = 0; i < looks; ++i) {
    now += tick;
    wanted = scaler.decide(now, wanted, seen);
  }
  return wanted;
}

TEST(Autoscaler, is_off_without_room) {
  EXPECT_FALSE(Autoscaler({.min = 4, .max = 4}).is_on());
  EXPECT_TRUE(Autoscaler({.min = 1, .max = 4}).is_on());
}

TEST(Autoscaler, doubles_at_once_when_requests_wait_and_stays_within_bounds) {
  Autoscaler scaler({.min = 2, .max = 10});
  EXPECT_EQ(scaler.decide(1, 2, flooded), 4);
  EXPECT_EQ(scaler.decide(2, 4, flooded), 8);
  EXPECT_EQ(scaler.decide(3, 8, flooded), 10);
  EXPECT_EQ(scaler.decide(4, 10, flooded), 10);
}

TEST(Autoscaler, adds_no_more_than_what_waits_needs) {
  Autoscaler scaler({.min = 1, .max = 100, .threads = 4});
  EXPECT_EQ(scaler.decide(1, 20, {.waiting = 5, .oldest_wait_ns = seconds, .busy = 80}), 22);
}

TEST(Autoscaler, waits_for_help_that_is_on_its_way) {
  Autoscaler scaler({.min = 1, .max = 10});
  Autoscaler::Seen seen = flooded;
  seen.starting = 1;
  EXPECT_EQ(scaler.decide(1, 4, seen), 4);
}

TEST(Autoscaler, leaves_a_short_wait_alone) {
  Autoscaler scaler({.min = 1, .max = 10});
  EXPECT_EQ(scaler.decide(1, 4, {.waiting = 3, .oldest_wait_ns = 10 * ms, .busy = 4}), 4);
}

TEST(Autoscaler, goes_down_slowly_to_what_was_needed_at_most) {
  Autoscaler scaler({.min = 1, .max = 10});
  i64 now = 1;
  const int looks = static_cast<int>(Autoscaler::calm_ns / tick);
  EXPECT_EQ(after(scaler, now, looks, 8, {.busy = 3}), 8) << "not before the time is up";
  EXPECT_EQ(after(scaler, now, 1, 8, {.busy = 3}), 7) << "then by one";
  EXPECT_EQ(after(scaler, now, 20 * looks, 7, {.busy = 3}), 3);
  EXPECT_EQ(after(scaler, now, 20 * looks, 3, {}), 1) << "and never below the least";
}

TEST(Autoscaler, one_busy_moment_keeps_a_worker) {
  Autoscaler scaler({.min = 1, .max = 10});
  i64 now = 1;
  const int looks = static_cast<int>(Autoscaler::calm_ns / tick);
  int wanted = after(scaler, now, looks - 5, 4, {});
  wanted = after(scaler, now, 1, wanted, {.busy = 4});
  EXPECT_EQ(after(scaler, now, 10, wanted, {}), 4);
}

TEST(Autoscaler, a_wait_begins_the_calm_anew) {
  Autoscaler scaler({.min = 1, .max = 4});
  i64 now = 1;
  const int looks = static_cast<int>(Autoscaler::calm_ns / tick);
  int wanted = after(scaler, now, looks - 1, 4, {});
  wanted = after(scaler, now, 1, wanted, flooded);
  EXPECT_EQ(after(scaler, now, looks - 1, wanted, {}), 4);
}

TEST(Autoscaler, starts_no_more_workers_than_memory_has_room_for) {
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = 100, .worker_bytes = 20}), 4);
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = 60, .worker_bytes = 20}), 3) << "to the byte";
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = 59, .worker_bytes = 20}), 2);
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = 19, .worker_bytes = 20}), 0);
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = -5, .worker_bytes = 20}), 0) << "it is full";
}

TEST(Autoscaler, leaves_room_for_what_young_workers_will_take) {
  const Autoscaler::Room room{.left_bytes = 100, .worker_bytes = 20, .growth_bytes = 45};
  EXPECT_EQ(Autoscaler::that_fit(4, room), 2);
  EXPECT_EQ(Autoscaler::that_fit(1, {.left_bytes = 40, .worker_bytes = 20, .growth_bytes = 45}), 0);
}

TEST(Autoscaler, half_the_room_is_kept_while_the_size_is_a_guess) {
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = 100, .worker_bytes = 20, .is_guess = true}), 2);
  const Autoscaler::Room room{
      .left_bytes = 100, .worker_bytes = 20, .growth_bytes = 20, .is_guess = true};
  EXPECT_EQ(Autoscaler::that_fit(4, room), 1);
}

TEST(Autoscaler, a_worker_of_unknown_size_fits_unless_all_is_taken) {
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = 0, .worker_bytes = 0}), 4);
  EXPECT_EQ(Autoscaler::that_fit(4, {.left_bytes = -1, .worker_bytes = 0}), 0);
}

}  // namespace
}  // namespace labcoat::supervisor
