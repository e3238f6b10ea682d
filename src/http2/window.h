// Flow control, RFC 9113 section 5.2: how many bytes of bodies one side still takes, of a stream or
// of the whole connection.
#pragma once

#include <cstddef>

#include "http2/frame.h"

namespace labcoat::http2 {

// What the peer takes of us.
class SendWindow {
 public:
  explicit SendWindow(i64 left = initial_window) : left_(left) {}

  // Below zero when SETTINGS took back more than was left.
  i64 left() const { return left_; }
  void spend(size_t bytes) { left_ -= static_cast<i64>(bytes); }
  // By WINDOW_UPDATE, or by a change of SETTINGS_INITIAL_WINDOW_SIZE in either direction. False:
  // beyond what a window may be.
  bool grow(i64 by) {
    if (left_ + by > window_max) return false;
    left_ += by;
    return true;
  }

 private:
  i64 left_;
};

// What we take of the peer. Bytes are returned to it in large pieces.
class ReceiveWindow {
 public:
  explicit ReceiveWindow(u32 size = 0) : size_(size), left_(size) {}

  // False: the peer sent more than it may.
  bool take(size_t bytes) {
    if (bytes > left_) return false;
    left_ -= static_cast<u32>(bytes);
    return true;
  }
  // So many bytes have been dealt with. The increment that is due for all of them, or 0: not yet.
  u32 give_back(size_t bytes) {
    returned_ += static_cast<u32>(bytes);
    if (returned_ < size_ / 2) return 0;
    const u32 increment = returned_;
    left_ += increment;
    returned_ = 0;
    return increment;
  }
  u32 left() const { return left_; }

 private:
  u32 size_;
  u32 left_;
  u32 returned_ = 0;  // dealt with, and the peer has not heard of it
};

}  // namespace labcoat::http2
