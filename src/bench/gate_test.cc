#include "bench/gate.h"

#include <gtest/gtest.h>

namespace labcoat::bench {
namespace {

using Verdict = Gate::Verdict;

SliceResult hundred_answers(i64 each_ns) {
  SliceResult result;
  result.responses = result.responses_in_time = result.requests = 100;
  result.status[2] = 100;
  result.elapsed_ns = 1 * seconds;
  result.response.record(each_ns, 100);
  result.service.record(each_ns / 2, 100);
  return result;
}

Verdict judge(const char* expression, const SliceResult& result) {
  const auto gate = Gate::parse(expression);
  EXPECT_TRUE(gate) << expression << ": " << (gate ? "" : gate.error().text);
  return gate ? gate->judge(result).verdict : Verdict::cannot_tell;
}

TEST(Gate, ComparesEachKindOfMetricInItsUnit) {
  SliceResult result = hundred_answers(20 * ms);
  result.requests = 104;
  result.errors[static_cast<size_t>(ErrorKind::timeout)] = 4;
  struct Case {
    const char* expression;
    Verdict verdict;
  };
  const Case cases[] = {
      {"p99>10ms", Verdict::holds},
      {"p99>30ms", Verdict::does_not_hold},
      {"p50 >= 20ms", Verdict::holds},
      {"  p50 < 1s ", Verdict::holds},
      {"service_p50<=10100us", Verdict::holds},
      {"service_p50>10100us", Verdict::does_not_hold},
      {"rps<100", Verdict::does_not_hold},
      {"rps<=100", Verdict::holds},
      {"errors>0", Verdict::holds},
      {"errors>4", Verdict::does_not_hold},
      {"error_share>1%", Verdict::holds},
      {"error_share>0.05", Verdict::does_not_hold},
      {"status_5xx>0", Verdict::does_not_hold},
  };
  for (const Case& row : cases)
    EXPECT_EQ(judge(row.expression, result), row.verdict) << row.expression;
}

TEST(Gate, CannotTellWhatWasNotMeasured) {
  EXPECT_EQ(judge("p999>1us", hundred_answers(ms)), Verdict::cannot_tell) << "100 answers";
  SliceResult many = hundred_answers(ms);
  many.response.record(ms, p999_answers_min);
  EXPECT_EQ(judge("p999>1us", many), Verdict::holds);
  EXPECT_EQ(judge("p50>1us", SliceResult()), Verdict::cannot_tell) << "no answer";
  EXPECT_EQ(judge("error_share>1%", SliceResult()), Verdict::cannot_tell) << "no request";
}

TEST(Gate, SaysWhatIsWrongWithAnExpression) {
  struct Case {
    const char* expression;
    const char* said;
  };
  const Case cases[] = {
      {"p99", "an operator and a value"},
      {"", "an operator and a value"},
      {"p98>4ms", "did you mean 'p90'"},
      {"latency>4ms", "there is no metric 'latency'"},
      {"p99>50", "needs a unit"},
      {"p99>soon", "duration"},
      {"p99>", "no value"},
      {"p99==5ms", "one of > >= < <=, not '=='"},
      {"errors>many", "not a number"},
      {"error_share>x%", "not a share"},
      {">5ms", "there is no metric ''"},
  };
  for (const Case& row : cases) {
    const auto gate = Gate::parse(row.expression);
    ASSERT_FALSE(gate) << row.expression;
    EXPECT_NE(gate.error().text.find(row.said), std::string::npos) << gate.error().text;
    EXPECT_NE(gate.error().text.find(row.expression), std::string::npos) << gate.error().text;
  }
}

TEST(Gate, ExplainsItsVerdictInASentence) {
  const auto gate = Gate::parse("p99>10ms");
  ASSERT_TRUE(gate);
  EXPECT_EQ(gate->judge(hundred_answers(20 * ms)).sentence, "p99>10ms holds: p99 is 20.0 ms");
}

}  // namespace
}  // namespace labcoat::bench
