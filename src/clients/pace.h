// Pace: whether a client moves bytes fast enough, on the average since it began. The first seconds
// are free, so that a lost packet is no crime.
#pragma once

#include "base/clock.h"

namespace labcoat::clients {

class Pace {
 public:
  static constexpr i64 grace_ns = 5 * seconds;

  void begin(i64 now) {
    began_ns_ = now;
    bytes_ = 0;
  }
  bool has_begun() const { return began_ns_ != 0; }
  void end() { began_ns_ = 0; }
  void add(u64 bytes) { bytes_ += bytes; }
  // So long it was not the client who made it wait.
  void forgive(i64 waited_ns) { began_ns_ += waited_ns; }
  // `rate`: bytes a second at least; 0: any.
  bool is_too_slow(i64 rate, i64 now) const { return is_too_slow(bytes_, rate, now); }
  // The same for so many bytes since the beginning.
  bool is_too_slow(u64 bytes, i64 rate, i64 now) const {
    const i64 elapsed_ms = (now - began_ns_) / ms;
    if (rate == 0 || began_ns_ == 0 || elapsed_ms * ms < grace_ns) return false;
    return is_below(bytes, rate, elapsed_ms);
  }
  static bool is_below(u64 bytes, i64 rate, i64 elapsed_ms) {
    return static_cast<i64>(bytes) * 1000 < rate * elapsed_ms;
  }

 private:
  i64 began_ns_ = 0;
  u64 bytes_ = 0;
};

}  // namespace labcoat::clients
