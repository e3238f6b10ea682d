// Gate is one --fail-if expression: METRIC OPERATOR VALUE, such as 'p99>50ms'. The run fails when
// it holds.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "bench/generator.h"

namespace labcoat::bench {

// A quantile above 0.99 is only told from this many answers on: below, it is the maximum in
// disguise.
constexpr u64 p999_answers_min = 4000;

class Gate {
 public:
  enum class Verdict { holds, does_not_hold, cannot_tell };
  struct Outcome {
    Verdict verdict;
    std::string sentence;  // "p99>50ms holds: p99 is 61.2 ms", or why it cannot be told
  };

  // Errors name what was read, what was expected, and the nearest metric.
  static Result<Gate> parse(std::string_view expression);
  Outcome judge(const SliceResult& result) const;

  // For --help and docs: the metrics, separated by ", ".
  static std::string metric_names();

 private:
  enum class Operator { above, at_least, below, at_most };

  std::string expression_;
  size_t metric_ = 0;  // row of the table in gate.cc
  Operator operator_ = Operator::above;
  double bound_ = 0;  // ns, share, count or requests per second
};

}  // namespace labcoat::bench
