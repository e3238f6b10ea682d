// RestartPace decides when a child that died may be started again: at once, unless they keep dying
// young; then after a pause that doubles.
#pragma once

#include "base/clock.h"

namespace labcoat::supervisor {

class RestartPace {
 public:
  static constexpr i64 young_ns = 1 * seconds;  // who dies before that age has hardly worked
  static constexpr int free_deaths = 5;         // so many in a row are replaced at once
  static constexpr i64 pause_first_ns = 100 * ms;
  static constexpr i64 pause_max_ns = 5 * seconds;

  // Nothing died for so long after a pause: what was wrong is over.
  static constexpr i64 calm_ns = 2 * seconds;

  // A child died at `now`, `age_ns` after its start. Returns the pause before the next may start;
  // 0: at once.
  i64 died(i64 now, i64 age_ns);
  // Deaths in a row, each of them young.
  int young_deaths() const { return young_deaths_; }
  bool may_start(i64 now) const { return now >= not_before_; }
  i64 not_before() const { return not_before_; }

 private:
  int young_deaths_ = 0;
  i64 calm_from_ns_ = 0;  // a death after this one begins a new row
  i64 not_before_ = 0;
};

}  // namespace labcoat::supervisor
