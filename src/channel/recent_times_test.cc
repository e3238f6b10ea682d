#include "channel/recent_times.h"

#include <gtest/gtest.h>

namespace labcoat::channel {
namespace {

// A channel with two edge threads, and a clock that stands at the beginning of a slice.
class RecentTimesTest : public testing::Test {
 protected:
  RecentTimesTest() {
    const Fd memfd = std::move(*create_channel({.slots = 128, .edge_threads = 2}));
    mapping_ = std::move(*Mapping::open(memfd.get()));
  }
  void count(i64 response_us, i64 queue_wait_us = 0, u32 thread = 0) {
    count_times(mapping_->times(thread), now_, response_us, queue_wait_us);
  }
  RecentTimes read() const { return recent_times(*mapping_, now_); }

  std::unique_ptr<Mapping> mapping_;
  i64 now_ = 1000 * time_slice_ns;
};

TEST_F(RecentTimesTest, nothing_counted_is_no_percentile) {
  EXPECT_EQ(read().response.count, 0u);
  EXPECT_EQ(read().queue_wait.count, 0u);
}

TEST_F(RecentTimesTest, percentiles_are_of_all_threads_and_within_a_thirty_second) {
  for (int i = 1; i <= 1000; ++i) count(i * 1000, i, static_cast<u32>(i) % 2);
  const RecentTimes times = read();
  EXPECT_EQ(times.response.count, 1000u);
  EXPECT_NEAR(static_cast<double>(times.response.p50_us), 500e3, 500e3 / 32);
  EXPECT_NEAR(static_cast<double>(times.response.p90_us), 900e3, 900e3 / 32);
  EXPECT_NEAR(static_cast<double>(times.response.p99_us), 990e3, 990e3 / 32);
  EXPECT_NEAR(static_cast<double>(times.queue_wait.p50_us), 500, 500.0 / 32);
}

TEST_F(RecentTimesTest, every_magnitude_is_within_a_thirty_second) {
  for (i64 us = 0; us < i64{4} << 30; us = us + us / 7 + 1) {
    now_ += 20 * seconds;  // alone in its window
    count(us);
    const Percentiles response = read().response;
    ASSERT_EQ(response.count, 1u) << us;
    ASSERT_NEAR(static_cast<double>(response.p99_us), static_cast<double>(us),
                static_cast<double>(us) / 32);
  }
}

TEST_F(RecentTimesTest, what_is_longer_than_the_last_bucket_is_in_it) {
  count(i64{1} << 40);
  EXPECT_GT(read().response.p50_us, i64{4'000'000'000});
}

TEST_F(RecentTimesTest, a_request_without_a_wait_counts_only_its_response) {
  count(5, -1);
  EXPECT_EQ(read().response.count, 1u);
  EXPECT_EQ(read().queue_wait.count, 0u);
}

TEST_F(RecentTimesTest, what_is_older_than_the_window_is_forgotten_without_a_timer) {
  count(5);
  now_ += 10 * seconds;
  EXPECT_EQ(read().response.count, 1u);
  EXPECT_EQ(read().window_ns, 10 * seconds);
  now_ += 2 * seconds - 1;
  EXPECT_EQ(read().response.count, 1u);
  now_ += 1;
  EXPECT_EQ(read().response.count, 0u);
}

TEST_F(RecentTimesTest, a_slice_is_cleared_before_it_is_used_again) {
  count(5);
  now_ += time_slices * time_slice_ns;
  count(7);
  EXPECT_EQ(read().response.count, 1u);
  EXPECT_EQ(read().response.p50_us, 7);
}

}  // namespace
}  // namespace labcoat::channel
