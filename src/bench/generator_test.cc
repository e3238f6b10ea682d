// The generator against the responder of the calibration, over real sockets: what slices promise to
// the laboratory. The stories with servers that misbehave are in tests/bench.
#include "bench/generator.h"

#include <gtest/gtest.h>
#include <thread>

#include "bench/null_responder.h"

namespace labcoat::bench {
namespace {

class GeneratorTest : public testing::Test {
 protected:
  void SetUp() override {
    auto started = NullResponder::start();
    ASSERT_TRUE(started) << started.error().text;
    responder_ = std::move(*started);
  }
  LoadOptions load() const {
    LoadOptions options;
    Target target;
    target.url = *http::parse_url("http://127.0.0.1:" + std::to_string(responder_->port()) + "/");
    options.targets = {target};
    options.connections = 4;
    return options;
  }
  static std::unique_ptr<Generator> open(LoadOptions options) {
    auto generator = Generator::open(std::move(options));
    EXPECT_TRUE(generator) << (generator ? "" : generator.error().text);
    return generator ? std::move(*generator) : nullptr;
  }

  std::unique_ptr<NullResponder> responder_;
};

void expect_consistent(const SliceResult& result) {
  EXPECT_EQ(result.requests, result.responses + result.errors_total());
  EXPECT_EQ(result.response.count(), result.responses);
  EXPECT_EQ(result.service.count(), result.responses);
  EXPECT_EQ(result.send_lag.count(), result.responses);
  EXPECT_EQ(result.status[2], result.responses);
  EXPECT_LE(result.responses_in_time, result.responses);
}

TEST_F(GeneratorTest, SendsExactlyAsManyRequestsAsWanted) {
  for (const int threads : {1, 3}) {
    LoadOptions options = load();
    options.threads = threads;
    const auto generator = open(options);
    ASSERT_TRUE(generator);
    const SliceResult result = generator->run({.duration_ns = 0, .requests_max = 1000});
    expect_consistent(result);
    EXPECT_EQ(result.responses, 1000u);
    EXPECT_EQ(result.errors_total(), 0u);
    EXPECT_EQ(result.threads.size(), static_cast<size_t>(threads));
    EXPECT_GT(result.elapsed_ns, 0);
  }
}

TEST_F(GeneratorTest, SendsFewerRequestsThanThreads) {
  LoadOptions options = load();
  options.threads = 4;
  const auto generator = open(options);
  ASSERT_TRUE(generator);
  EXPECT_EQ(generator->run({.duration_ns = 0, .requests_max = 2}).responses, 2u);
}

TEST_F(GeneratorTest, KeepsItsConnectionsBetweenSlices) {
  const auto generator = open(load());
  ASSERT_TRUE(generator);
  const SliceResult first = generator->run(20 * ms);
  EXPECT_EQ(first.connect.count(), 4u);
  const SliceResult second = generator->run(20 * ms);
  EXPECT_EQ(second.connect.count(), 0u);
  EXPECT_EQ(second.reconnects, 0u);
  EXPECT_GT(second.responses, 0u);
  expect_consistent(second);
}

TEST_F(GeneratorTest, DrainsASliceBeforeItReturns) {
  const auto generator = open(load());
  ASSERT_TRUE(generator);
  const SliceResult result = generator->run(10 * ms);
  expect_consistent(result);
  EXPECT_GE(result.busy_ns, 0);
  EXPECT_LE(result.elapsed_ns, 10 * ms);
  EXPECT_EQ(result.errors_total(), 0u);
  const u64 answered = generator->answered();
  std::this_thread::yield();
  EXPECT_EQ(generator->answered(), answered) << "nothing is sent between slices";
}

TEST_F(GeneratorTest, FollowsThePlanInTheOpenLoop) {
  LoadOptions options = load();
  options.rate = 2000;
  const auto generator = open(options);
  ASSERT_TRUE(generator);
  const SliceResult result = generator->run(500 * ms);
  expect_consistent(result);
  // 1000 planned, whatever the machine is busy with; six standard deviations of a Poisson count are
  // 190.
  EXPECT_NEAR(static_cast<double>(result.requests), 1000, 190);
  EXPECT_EQ(result.own_lag.count(), result.responses);
  // The same plan for the same seed, however the machine behaved.
  EXPECT_EQ(open(options)->run(500 * ms).requests, result.requests);
}

TEST_F(GeneratorTest, MergesSlicesIntoOneResult) {
  const auto generator = open(load());
  ASSERT_TRUE(generator);
  SliceResult sum;
  u64 responses = 0;
  for (int i = 0; i < 3; ++i) {
    const SliceResult slice = generator->run(10 * ms);
    responses += slice.responses;
    sum.merge(slice);
  }
  expect_consistent(sum);
  EXPECT_EQ(sum.responses, responses);
  EXPECT_EQ(sum.threads.size(), 1u);
  EXPECT_EQ(sum.elapsed_ns, 3 * 10 * ms);
}

TEST_F(GeneratorTest, StopsAtOnceWhenTold) {
  const auto generator = open(load());
  ASSERT_TRUE(generator);
  std::thread other([&] {
    while (generator->answered() == 0) std::this_thread::yield();
    generator->stop();
  });
  const SliceResult result = generator->run(3600 * seconds);
  other.join();
  expect_consistent(result);
  EXPECT_GT(result.responses, 0u);
  EXPECT_TRUE(generator->stopped());
}

TEST_F(GeneratorTest, RefusesWhatCannotWork) {
  LoadOptions none = load();
  none.targets.clear();
  EXPECT_FALSE(Generator::open(none));
  LoadOptions tls = load();
  tls.targets[0].url.scheme = "https";
  EXPECT_FALSE(Generator::open(tls));
  LoadOptions threads = load();
  threads.threads = 5;
  EXPECT_FALSE(Generator::open(threads)) << "fewer connections than threads";
  LoadOptions nobody = load();
  responder_.reset();
  const auto refused = Generator::open(nobody);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text.find("is the server running"), std::string::npos);
}

}  // namespace
}  // namespace labcoat::bench
