// Verdict: what an interval says about a change, given the margin below which nobody cares. "No
// significant difference" is not an answer: it can mean "the same" or "too noisy to tell", and
// these are two verdicts here.
#pragma once

#include <string_view>

#include "stats/effect.h"

namespace labcoat {

enum class Verdict { better, worse, equivalent, inconclusive };

// "better", "worse", "equivalent", "inconclusive"
std::string_view verdict_name(Verdict verdict);

// The margin δ is relative: 0.03 is 3 %. Judged on the log scale against ln(1+δ) and ln(1-δ), so
// that "3 % less" means what a reader of the relative effect takes it for:
//   better        the whole interval lies above  ln(1+δ)
//   worse         the whole interval lies below  ln(1-δ)
//   equivalent    the whole interval lies between the two (two one-sided tests, Schuirmann 1987)
//   inconclusive  anything else
// Positive must mean improved: for "less is better" metrics the caller turns the sign of the
// log-ratios. 0 < margin < 1. The three claims err together in at most the share that the interval
// misses the truth.
Verdict verdict_of(Interval log_ci, double margin);

// ln(1-δ) and ln(1+δ)
Interval margin_on_log_scale(double margin);

}  // namespace labcoat
