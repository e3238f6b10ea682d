#include "supervisor/autoscaler.h"

#include <algorithm>

namespace labcoat::supervisor {

int Autoscaler::workers_for(int requests) const {
  return (requests + bounds_.threads - 1) / bounds_.threads;
}

int Autoscaler::decide(i64 now, int wanted, const Seen& seen) {
  if (window_start_ns_ == 0) window_start_ns_ = now;
  window_peak_ = std::max(window_peak_, seen.busy + seen.waiting);
  if (seen.waiting > 0 && seen.oldest_wait_ns >= wait_max_ns) {
    window_start_ns_ = now;
    window_peak_ = seen.busy + seen.waiting;
    if (seen.starting > 0) return wanted;  // help is on its way
    // At most twice as many at once: a flood must not fill the machine with processes in a moment.
    const int more = std::clamp(workers_for(seen.waiting), 1, std::max(1, wanted));
    return std::clamp(wanted + more, bounds_.min, bounds_.max);
  }
  if (now - window_start_ns_ < bounds_.calm_ns) return std::clamp(wanted, bounds_.min, bounds_.max);
  const bool spare = workers_for(window_peak_) < wanted;
  window_start_ns_ = now;
  window_peak_ = 0;
  return std::clamp(spare ? wanted - 1 : wanted, bounds_.min, bounds_.max);
}

int Autoscaler::that_fit(int more, const Room& room) {
  const i64 left = room.left_bytes / (room.is_guess ? 2 : 1) - room.growth_bytes;
  if (left < room.worker_bytes || left < 0) return 0;
  if (room.worker_bytes <= 0) return more;
  return static_cast<int>(std::min<i64>(more, left / room.worker_bytes));
}

}  // namespace labcoat::supervisor
