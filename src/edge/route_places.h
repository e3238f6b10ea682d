// RoutePlaces: how many requests of one route may be with the workers of an app (max_concurrent),
// and whose turn it is when one of them is done. The waiting requests themselves stay with their
// edge threads; here stands only, in the order in which they came, which thread each belongs to.
#pragma once

#include <deque>
#include <mutex>

#include "base/clock.h"

namespace labcoat::edge {

// Thread-safe; shared by all edge threads.
class RoutePlaces {
 public:
  static constexpr int nobody = -1;

  RoutePlaces(i64 places, i64 waiting_max) : free_(places), waiting_max_(waiting_max) {}

  // taken: it may go to the workers. waiting: `thread` will be given a place. full: as many wait as
  // may.
  enum class Entry { taken, waiting, full };
  Entry enter(int thread);
  // A place is free. It belongs at once to the first that waits: returns its thread, which must
  // give it to its oldest request or, if it has none any more, call leave() again.
  int leave();
  // One that waited in this thread has gone. Its turn may just have come; then the place is on its
  // way, and will find nobody.
  void forget(int thread);

 private:
  std::mutex mutex_;
  i64 free_;
  const i64 waiting_max_;
  std::deque<int> waiting_;
};

}  // namespace labcoat::edge
