#include "stats/verdict.h"

#include "base/check.h"

namespace labcoat {

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    case Verdict::equivalent:
      return "equivalent";
    case Verdict::inconclusive:
      return "inconclusive";
  }
  CHECK(false);
}

Interval margin_on_log_scale(double margin) {
  CHECK(margin > 0 && margin < 1);
  return {log_ratio_of(-margin), log_ratio_of(margin)};
}

Verdict verdict_of(Interval log_ci, double margin) {
  const Interval same = margin_on_log_scale(margin);
  if (log_ci.lower > same.upper) return Verdict::better;
  if (log_ci.upper < same.lower) return Verdict::worse;
  if (log_ci.lower > same.lower && log_ci.upper < same.upper) return Verdict::equivalent;
  return Verdict::inconclusive;
}

}  // namespace labcoat
