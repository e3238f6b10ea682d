// A ring of bytes in shared memory, as both sides copy into it and out of it. Positions only grow;
// the size is a power of two. What lies in it may change at any time.
#pragma once

#include <algorithm>
#include <cstring>
#include <string_view>

#include "base/clock.h"

namespace labcoat::channel {

class Ring {
 public:
  Ring(char* base, size_t size) : base_(base), size_(size) {}

  void write(u64 at, const void* bytes, size_t count) const {
    if (count == 0) return;  // memcpy may not be given the null of an empty view
    const size_t start = offset(at);
    const size_t first = std::min(count, size_ - start);
    std::memcpy(base_ + start, bytes, first);
    if (first < count) std::memcpy(base_, static_cast<const char*>(bytes) + first, count - first);
  }
  void read(u64 at, void* out, size_t count) const {
    if (count == 0) return;
    const size_t start = offset(at);
    const size_t first = std::min(count, size_ - start);
    std::memcpy(out, base_ + start, first);
    if (first < count) std::memcpy(static_cast<char*>(out) + first, base_, count - first);
  }
  // `more` is what wraps around.
  void view(u64 at, size_t count, std::string_view& data, std::string_view& more) const {
    const size_t start = offset(at);
    const size_t first = std::min(count, size_ - start);
    data = {base_ + start, first};
    more = {base_, count - first};
  }
  // Where `count` bytes lie in one piece; nullptr: they wrap around.
  char* whole(u64 at, size_t count) const {
    return offset(at) + count <= size_ ? base_ + offset(at) : nullptr;
  }
  size_t offset(u64 at) const { return static_cast<size_t>(at) & (size_ - 1); }
  size_t size() const { return size_; }

 private:
  char* base_;
  size_t size_;
};

// An empty ring may begin again at its beginning (FrameType::skip), so that small messages keep to
// a few pages of it. How many bytes of frames that would pass over; 0: it is not worth while, or
// the frame would not fit behind.
constexpr size_t hot_bytes = 16 * 1024;
inline size_t rewind_bytes(const Ring& ring, u64 at, size_t frame_bytes) {
  const size_t start = ring.offset(at);
  if (start + frame_bytes <= hot_bytes || start == 0 || 2 * frame_bytes > start) return 0;
  return ring.size() - start;
}

}  // namespace labcoat::channel
