#include "lab/metric.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

ArmSample sample_of(i64 latency_ns, u64 ok, u64 errors) {
  ArmSample sample;
  sample.ok = ok;
  sample.errors = errors;
  sample.busy_ns = 2 * seconds;
  sample.cpu_ns = 1 * seconds;
  Histogram histogram;
  histogram.record(latency_ns, ok);
  sample.latency = LatencySummary::of(histogram);
  return sample;
}

TEST(Metric, counts_successful_answers_only) {
  const ArmSample sample = sample_of(5 * ms, 1000, 1000);
  EXPECT_DOUBLE_EQ(*metric_value(*find_metric("rps"), sample), 500);
  EXPECT_DOUBLE_EQ(*metric_value(*find_metric("errors"), sample), 0.5);
  EXPECT_DOUBLE_EQ(*metric_value(*find_metric("cpu_per_request"), sample), 1000);
}

TEST(Metric, says_nothing_about_an_arm_without_answers) {
  EXPECT_FALSE(metric_value(*find_metric("rps"), ArmSample{}));
  EXPECT_FALSE(metric_value(*find_metric("p99"), ArmSample{}));
}

TEST(Metric, names_the_nearest_one_for_a_typo) {
  const auto metric = find_metric("p89");
  ASSERT_FALSE(metric);
  EXPECT_NE(metric.error().text.find("did you mean 'p"), std::string::npos) << metric.error().text;
}

TEST(Guard, reads_the_unit_of_its_metric) {
  struct Case {
    const char* text;
    double limit;
  };
  for (const Case& one : {Case{"p99<50ms", 50'000}, Case{"errors<0.1%", 0.001},
                          Case{"rps>1000", 1000}, Case{"mean < 2ms", 2000}}) {
    const auto guard = parse_guard(one.text);
    ASSERT_TRUE(guard) << one.text << ": " << guard.error().text;
    EXPECT_DOUBLE_EQ(guard->limit, one.limit) << one.text;
  }
}

TEST(Guard, holds_on_one_side_of_its_limit) {
  const ArmSample sample = sample_of(60 * ms, 1000, 0);
  EXPECT_FALSE(guard_holds(*parse_guard("p99<50ms"), sample));
  EXPECT_TRUE(guard_holds(*parse_guard("p99<70ms"), sample));
  EXPECT_TRUE(guard_holds(*parse_guard("rps>100"), sample));
  EXPECT_TRUE(guard_holds(*parse_guard("errors == 0"), sample));
  EXPECT_FALSE(guard_holds(*parse_guard("errors == 0"), sample_of(1 * ms, 1000, 1)));
}

TEST(Guard, refuses_what_it_does_not_understand) {
  for (const char* text : {"p99", "p99<", "p99<fast", "speed<3", "errors<a%", "<50ms"}) {
    EXPECT_FALSE(parse_guard(text)) << text;
  }
}

}  // namespace
}  // namespace labcoat
