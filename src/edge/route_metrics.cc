#include "edge/route_metrics.h"

#include <algorithm>

namespace labcoat::edge {

void DurationBuckets::record(i64 duration_us) {
  const auto* const at = std::lower_bound(bounds_us.begin(), bounds_us.end(), duration_us);
  counts_[static_cast<size_t>(at - bounds_us.begin())].add();
  sum_us_.add(static_cast<u64>(std::max<i64>(0, duration_us)));
}

void RouteMetrics::count(const Answer& answer) {
  RouteCounters& row = answer.route < 0 ? rows_.back() : rows_[static_cast<size_t>(answer.route)];
  row.answers[static_cast<size_t>(std::clamp(answer.status / 100 - 2, 0, 3))].add();
  row.body_bytes.add(answer.body_bytes);
  row.duration.record(answer.total_us);
  if (answer.queue_us >= 0) row.queue_wait.record(answer.queue_us);
}

}  // namespace labcoat::edge
