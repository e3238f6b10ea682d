#include "bench/validity.h"

#include <gtest/gtest.h>

namespace labcoat::bench {
namespace {

LoadOptions closed_loop() {
  return {};
}
LoadOptions open_loop() {
  LoadOptions options;
  options.rate = 1000;
  return options;
}

// A second of 1000 answers of 2 ms by a generator that is half busy.
SliceResult good_run() {
  SliceResult result;
  result.requests = result.responses = result.responses_in_time = 1000;
  result.elapsed_ns = 1 * seconds;
  result.response.record(2 * ms, 1000);
  result.own_lag.record(50 * us, 1000);
  result.threads = {ThreadUse{.cpu_ns = seconds / 2, .starved_ns = 0, .elapsed_ns = seconds}};
  return result;
}

// The only reason, or a text that no test expects.
std::string only_reason(const LoadOptions& options, const SliceResult& result,
                        std::optional<double> ceiling = {}) {
  const auto reasons = invalid_reasons(options, result, ceiling);
  return reasons.size() == 1 ? reasons[0] : std::to_string(reasons.size()) + " reasons";
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(Validity, AcceptsARunThatTheServerSet) {
  EXPECT_TRUE(invalid_reasons(closed_loop(), good_run(), 10'000).empty());
  EXPECT_TRUE(invalid_reasons(open_loop(), good_run(), 10'000).empty());
}

TEST(Validity, RefusesAGeneratorThatSentLate) {
  SliceResult result = good_run();
  result.own_lag.record(5 * ms, 20);
  EXPECT_SAYS(only_reason(open_loop(), result), "lag p99 is 5.00 ms, allowed is 1.00 ms");
  EXPECT_TRUE(invalid_reasons(closed_loop(), result, {}).empty()) << "there is no plan to be late";
}

TEST(Validity, AllowsALagThatIsSmallBesideTheAnswers) {
  SliceResult result = good_run();
  result.response.clear();
  result.response.record(100 * ms, 1000);
  result.own_lag.record(5 * ms, 20);
  EXPECT_TRUE(invalid_reasons(open_loop(), result, {}).empty());
}

TEST(Validity, DoesNotBlameTheGeneratorForAServerThatStalls) {
  SliceResult result = good_run();
  // Every connection was busy: the requests were late, but not by the generator's doing.
  result.send_lag.record(2 * seconds, 500);
  result.waited = 500;
  EXPECT_TRUE(invalid_reasons(open_loop(), result, {}).empty());
}

TEST(Validity, RefusesABusyThreadInTheOpenLoop) {
  SliceResult result = good_run();
  result.threads.push_back({.cpu_ns = seconds * 85 / 100, .starved_ns = 0, .elapsed_ns = seconds});
  EXPECT_SAYS(only_reason(open_loop(), result), "85 % of a CPU, allowed is 80 %");
  EXPECT_TRUE(invalid_reasons(closed_loop(), result, {}).empty()) << "a closed loop is busy";
}

TEST(Validity, RefusesAPlanThatWasNotKept) {
  SliceResult result = good_run();
  result.late = 11;
  EXPECT_SAYS(only_reason(open_loop(), result), "did not keep up");
  result.late = 10;
  EXPECT_TRUE(invalid_reasons(open_loop(), result, {}).empty());
}

TEST(Validity, RefusesAClosedLoopNearItsCeiling) {
  EXPECT_SAYS(only_reason(closed_loop(), good_run(), 1200), "83 % of the 1.20k");
  EXPECT_TRUE(invalid_reasons(closed_loop(), good_run(), 1300).empty());
  EXPECT_TRUE(invalid_reasons(open_loop(), good_run(), 1200).empty());
}

TEST(Validity, RefusesAClosedLoopThatNeverWaited) {
  SliceResult result = good_run();
  result.threads = {{.cpu_ns = seconds * 99 / 100, .starved_ns = 0, .elapsed_ns = seconds}};
  EXPECT_SAYS(only_reason(closed_loop(), result), "never waited for the server");
  // Half of a core is all it got, and it would have used more.
  result.threads = {
      {.cpu_ns = seconds / 2, .starved_ns = seconds * 49 / 100, .elapsed_ns = seconds}};
  EXPECT_SAYS(only_reason(closed_loop(), result), "never waited for the server");
}

TEST(Validity, RefusesAMachineAtItsLimitsAndARunOfNothing) {
  SliceResult result = good_run();
  result.out_of_ports = true;
  EXPECT_SAYS(only_reason(closed_loop(), result), "local ports");
  result = good_run();
  result.out_of_files = true;
  EXPECT_SAYS(only_reason(closed_loop(), result), "file descriptors");
  EXPECT_SAYS(only_reason(closed_loop(), SliceResult()), "too short");
}

}  // namespace
}  // namespace labcoat::bench
