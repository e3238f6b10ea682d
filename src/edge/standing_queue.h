// StandingQueue tells a queue that stands from one that a burst has made, as CoDel does (RFC 8289):
// by how long requests waited, at the moments at which workers took them, not by how many there
// are. A burst's queue lets some through quickly within an interval; in one that stands, all of
// them wait. Then nobody shall wait longer than the limit, until for as long as that nobody had to
// be turned away. Pure: the clock is an argument.
#pragma once

#include "base/clock.h"

namespace labcoat::edge {

class StandingQueue {
 public:
  // Fewer late ones in a row are no queue that stands, however long an app takes for each.
  static constexpr int late_min = 10;
  static constexpr i64 retry_after_max = 30;  // seconds

  // 0 of limit_ns: it never stands.
  StandingQueue(i64 limit_ns, i64 interval_ns) : limit_ns_(limit_ns), interval_ns_(interval_ns) {}

  // A worker took a request that had waited so long.
  void taken(i64 now, i64 waited_ns);
  // An answer is complete that its worker needed so long for.
  void served(i64 service_ns);
  // A request was turned away because it had waited too long.
  void shed(i64 now);

  bool stands(i64 now);
  // What waiting longer than is too long while it stands: what was configured, but at least twice
  // of what an answer takes, or an app of slow answers could never be kept busy.
  i64 limit_ns() const;

  // Seconds after which somebody who is turned away now may find room: those in which the workers
  // do what waits and what was turned away in the last second, at their rate of late.
  i64 retry_after(i64 now, i64 waiting);

 private:
  struct Second {
    i64 number = 0;
    i64 taken = 0;
    i64 shed = 0;
  };
  void roll(i64 now);

  const i64 limit_ns_;
  const i64 interval_ns_;
  i64 service_ns_ = 0;  // a moving average
  int late_ = 0;        // in a row
  i64 late_since_ns_ = 0;
  bool stands_ = false;
  bool stood_ = false;  // ever
  i64 stood_until_ns_ = 0;
  i64 last_shed_ns_ = 0;
  Second this_, last_;
};

}  // namespace labcoat::edge
