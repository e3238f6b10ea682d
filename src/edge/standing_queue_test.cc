#include "edge/standing_queue.h"

#include <deque>
#include <gtest/gtest.h>
#include <random>

namespace labcoat::edge {
namespace {

constexpr i64 limit = 1 * seconds;
constexpr i64 interval = 2 * seconds;

// One FIFO before workers that need `service_ns` for each request: what StandingQueue hears of it.
class World {
 public:
  World(int workers, i64 service_ns)
      : free_at_(static_cast<size_t>(workers)), service_(service_ns) {}

  // `rate` requests a second arrive, at random, for so long.
  void run(double rate, i64 duration_ns) {
    std::exponential_distribution<double> gap(rate);
    const i64 end = now_ + duration_ns;
    i64 next = now_ + static_cast<i64>(gap(random_) * seconds);
    for (; now_ < end; now_ += 1 * ms) {
      for (; next <= now_; next += static_cast<i64>(gap(random_) * seconds)) line_.push_back(next);
      for (i64& free_at : free_at_) {
        if (free_at > now_ || line_.empty()) continue;
        longest_ = std::max(longest_, now_ - line_.front());
        queue_.taken(now_, now_ - line_.front());
        queue_.served(service_);
        line_.pop_front();
        free_at = now_ + service_;
        ++served_;
      }
      while (queue_.stands(now_) && !line_.empty() && now_ - line_.front() > queue_.limit_ns()) {
        line_.pop_front();
        queue_.shed(now_);
        ++shed_;
      }
    }
  }

  StandingQueue queue_{limit, interval};
  std::mt19937_64 random_{1};
  std::deque<i64> line_;
  std::vector<i64> free_at_;
  const i64 service_;
  i64 now_ = 1000 * seconds, longest_ = 0;
  int served_ = 0, shed_ = 0;
};

TEST(StandingQueue, ServesAsMuchAsItCanAtThreeTimesItsCapacityAndRecovers) {
  struct Row {
    int workers;
    i64 service_ns;
  };
  for (const Row& row :
       {Row{1, 10 * ms}, Row{4, 100 * ms}, Row{2, 1 * seconds}, Row{1, 3 * seconds}}) {
    SCOPED_TRACE(row.service_ns);
    World world(row.workers, row.service_ns);
    const double capacity = row.workers / (static_cast<double>(row.service_ns) / seconds);
    world.run(3 * capacity, 60 * seconds);  // it begins to stand
    world.served_ = world.shed_ = 0;
    world.longest_ = 0;
    world.run(3 * capacity, 300 * seconds);
    EXPECT_GT(world.served_, 0.95 * capacity * 300);
    EXPECT_LE(world.longest_, world.queue_.limit_ns() + row.service_ns + 1 * ms);
    EXPECT_GT(world.shed_, 1.5 * capacity * 300);
    // Half of its capacity: as if nothing had been.
    world.run(0.5 * capacity, 2 * world.queue_.limit_ns() + 2 * row.service_ns);
    EXPECT_FALSE(world.queue_.stands(world.now_));
    world.shed_ = 0;
    world.run(0.5 * capacity, 60 * seconds);
    EXPECT_EQ(world.shed_, 0);
  }
}

TEST(StandingQueue, ABurstIsServedToItsLast) {
  World world(2, 20 * ms);
  for (int i = 0; i < 290; ++i) world.line_.push_back(world.now_);  // 2.9 s of work
  world.run(0.001, 10 * seconds);
  EXPECT_EQ(world.shed_, 0);
  EXPECT_GT(world.longest_, 2 * seconds);
}

TEST(StandingQueue, SlowAnswersAreNotTakenForAQueueThatStands) {
  World world(1, 8 * seconds);
  for (int i = 0; i < 5; ++i) world.line_.push_back(world.now_);
  world.run(0.0001, 100 * seconds);
  EXPECT_EQ(world.shed_, 0);
  EXPECT_EQ(world.served_, 5);
}

TEST(StandingQueue, HealthyLoadIsNeverShed) {
  for (const i64 service : {1 * ms, 50 * ms, 500 * ms}) {
    World world(4, service);
    world.run(0.7 * 4 / (static_cast<double>(service) / seconds), 300 * seconds);
    EXPECT_EQ(world.shed_, 0) << service;
  }
}

TEST(StandingQueue, OneThatWasServedInTimeEndsTheSuspicion) {
  StandingQueue queue(limit, interval);
  i64 now = 1000 * seconds;
  for (int i = 0; i < 50; ++i, now += 100 * ms) {
    queue.taken(now, i % 15 == 14 ? limit : 10 * limit);
  }
  EXPECT_FALSE(queue.stands(now));
}

TEST(StandingQueue, AnEventStreamOfHoursDoesNotSwitchItOff) {
  StandingQueue queue(limit, interval);
  for (int i = 0; i < 100; ++i) queue.served(10 * ms);
  queue.served(3600 * seconds);
  EXPECT_LT(queue.limit_ns(), 2 * limit);
}

TEST(StandingQueue, SwitchedOffItNeverStands) {
  StandingQueue queue(0, interval);
  i64 now = 1000 * seconds;
  for (int i = 0; i < 500; ++i, now += 100 * ms) queue.taken(now, 10 * seconds);
  EXPECT_FALSE(queue.stands(now));
}

TEST(StandingQueue, RetryAfterIsTheTimeThatWorkersNeedForWhatIsThere) {
  StandingQueue queue(limit, interval);
  const i64 now = 1000 * seconds;
  EXPECT_EQ(queue.retry_after(now, 500), 1) << "nothing is known of the workers";
  for (int i = 0; i < 100; ++i) queue.taken(now, 0);
  EXPECT_EQ(queue.retry_after(now + seconds, 50), 1);
  EXPECT_EQ(queue.retry_after(now + seconds, 450), 5);
  for (int i = 0; i < 100; ++i) queue.taken(now + seconds, 0);
  for (int i = 0; i < 200; ++i) queue.shed(now + seconds);
  EXPECT_EQ(queue.retry_after(now + 2 * seconds, 100), 3) << "those who went come again";
  EXPECT_EQ(queue.retry_after(now + 2 * seconds, 1'000'000), StandingQueue::retry_after_max);
  EXPECT_EQ(queue.retry_after(now + 9 * seconds, 100), 1) << "too long ago to tell";
}

}  // namespace
}  // namespace labcoat::edge
