// Autoscaler decides how many workers an app should have, from what waits and what works: up at
// once when requests wait, down by one at a time when some were never needed for a while. Pure: no
// clock, no processes.
#pragma once

#include "base/clock.h"

namespace labcoat::supervisor {

class Autoscaler {
 public:
  static constexpr i64 look_interval_ns = 100 * ms;
  // Waiting longer than this means that there are too few; shorter happens by chance, too.
  static constexpr i64 wait_max_ns = 50 * ms;
  static constexpr i64 calm_ns = 30 * seconds;  // so long a worker must have been spare

  struct Bounds {
    int min = 1;
    int max = 1;
    int threads = 1;  // of a worker
    i64 calm_ns = Autoscaler::calm_ns;
  };
  struct Seen {
    int waiting = 0;         // requests
    i64 oldest_wait_ns = 0;  // of them
    int busy = 0;            // threads that work on a request
    int starting = 0;        // workers that are not ready yet
  };

  // What memory allows: so much may still be taken, a worker takes `worker_bytes` when it has begun
  // to work, and those that have only just begun will take `growth_bytes` more.
  struct Room {
    i64 left_bytes = 0;
    i64 worker_bytes = 0;
    i64 growth_bytes = 0;
    // Nobody has worked so long that the size is known: half of what is left is kept for what
    // those who work now may still take.
    bool is_guess = false;
  };
  // Who found no room does not ask again before that: the answer costs more than the question.
  static constexpr i64 room_retry_ns = 1 * seconds;
  // A guess of a worker's size is taken for it when requests have waited for so long.
  static constexpr i64 guess_max_ns = 5 * seconds;

  explicit Autoscaler(Bounds bounds) : bounds_(bounds) {}

  bool is_on() const { return bounds_.min < bounds_.max; }
  // How many workers there should be, of `wanted` now. Call every look_interval_ns.
  int decide(i64 now, int wanted, const Seen& seen);
  // How many of so many further workers there is room for.
  static int that_fit(int more, const Room& room);

 private:
  int workers_for(int requests) const;

  Bounds bounds_;
  i64 window_start_ns_ = 0;  // 0: none
  int window_peak_ = 0;      // requests inside at once, the most since then
};

}  // namespace labcoat::supervisor
