#include "supervisor/restart_pace.h"

#include <algorithm>

namespace labcoat::supervisor {

i64 RestartPace::died(i64 now, i64 age_ns) {
  if (age_ns >= young_ns || now > calm_from_ns_) young_deaths_ = 0;
  calm_from_ns_ = now + calm_ns;
  if (age_ns >= young_ns) return 0;
  ++young_deaths_;
  if (young_deaths_ <= free_deaths) return 0;
  const int doublings = std::min(young_deaths_ - free_deaths - 1, 20);
  const i64 pause = std::min(pause_first_ns << doublings, pause_max_ns);
  not_before_ = now + pause;
  calm_from_ns_ = not_before_ + calm_ns;
  return pause;
}

}  // namespace labcoat::supervisor
