#include "edge/route_metrics.h"

#include <algorithm>

namespace labcoat::edge {

void DurationBuckets::record(i64 duration_us) {
  const auto* const at = std::lower_bound(bounds_us.begin(), bounds_us.end(), duration_us);
  counts_[static_cast<size_t>(at - bounds_us.begin())].add();
  sum_us_.add(static_cast<u64>(std::max<i64>(0, duration_us)));
}

void DurationBuckets::add(const DurationBuckets& other) {
  for (size_t i = 0; i < counts_.size(); ++i) counts_[i].add(other.counts_[i].get());
  sum_us_.add(other.sum_us_.get());
}

RouteMetrics::RouteMetrics(std::vector<std::string> names)
    : names_(std::move(names)), rows_(names_.size() + 1) {
  names_.emplace_back("(none)");
}

int RouteMetrics::route_named(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end() - 1, name);
  return found == names_.end() - 1 ? -1 : static_cast<int>(found - names_.begin());
}

void RouteMetrics::go_on_from(const RouteMetrics& before) {
  for (size_t i = 0; i < before.rows_.size(); ++i) {
    const auto at = std::find(names_.begin(), names_.end(), before.names_[i]);
    if (at == names_.end()) continue;
    RouteCounters& row = rows_[static_cast<size_t>(at - names_.begin())];
    const RouteCounters& old = before.rows_[i];
    for (size_t k = 0; k < row.answers.size(); ++k) row.answers[k].add(old.answers[k].get());
    row.body_bytes.add(old.body_bytes.get());
    row.duration.add(old.duration);
    row.queue_wait.add(old.queue_wait);
  }
}

void RouteMetrics::count(const Answer& answer) {
  RouteCounters& row = answer.route < 0 ? rows_.back() : rows_[static_cast<size_t>(answer.route)];
  row.answers[static_cast<size_t>(std::clamp(answer.status / 100 - 2, 0, 3))].add();
  row.body_bytes.add(answer.body_bytes);
  row.duration.record(answer.total_us);
  if (answer.queue_us >= 0) row.queue_wait.record(answer.queue_us);
}

}  // namespace labcoat::edge
