// SendQueue: whose DATA goes next (RFC 9218 section 10). The most urgent level that has anybody;
// within it the answers that are of use only as a whole one after the other, in the order of their
// requests, and those that are of use in pieces frame by frame in turn. Where a level has both,
// each kind has every other frame, so that neither starves the other.
#pragma once

#include <array>

#include "http2/stream.h"

namespace labcoat::http2 {

class SendQueue {
 public:
  bool empty() const { return levels_used_ == 0; }
  // nullptr: nobody.
  Stream* front() const;
  // It is not queued. It stays until it is removed, and its priority as it is.
  void add(Stream& stream);
  // It is queued.
  void remove(Stream& stream);
  // front() has sent a frame and has more.
  void rotate(Stream& stream);

 private:
  // Circular lists, by their first.
  struct Level {
    Stream* whole = nullptr;
    Stream* in_pieces = nullptr;
    bool pieces_next = false;
  };

  Level& level_of(const Stream& stream) { return levels_[stream.priority_.urgency]; }
  static Stream*& list_of(Level& level, const Stream& stream) {
    return stream.priority_.incremental ? level.in_pieces : level.whole;
  }

  std::array<Level, Priority::levels> levels_;
  u32 levels_used_ = 0;  // a bit each
};

}  // namespace labcoat::http2
