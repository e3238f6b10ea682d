#include "http2/stream_table.h"

#include <algorithm>

#include "base/check.h"

namespace labcoat::http2 {

void StreamTable::put(Stream& stream) {
  size_t at = place_of(stream.id());
  while (slots_[at] != nullptr) at = after(at);
  slots_[at] = &stream;
}

void StreamTable::add(Stream& stream) {
  if (2 * (size_ + 1) > slots_.size()) {
    std::vector<Stream*> before(std::max(slots_min, 2 * slots_.size()));
    before.swap(slots_);
    for (Stream* const one : before) {
      if (one != nullptr) put(*one);
    }
  }
  put(stream);
  ++size_;
}

void StreamTable::remove(Stream& stream) {
  CHECK(size_ > 0);
  size_t hole = place_of(stream.id());
  while (slots_[hole] != &stream) {
    CHECK(slots_[hole] != nullptr);
    hole = after(hole);
  }
  // Whoever stands behind and would not be found beyond the hole moves into it.
  for (size_t at = after(hole); slots_[at] != nullptr; at = after(at)) {
    const size_t mask = slots_.size() - 1;
    const size_t way_to_hole = (hole - place_of(slots_[at]->id())) & mask;
    const size_t way_here = (at - place_of(slots_[at]->id())) & mask;
    if (way_to_hole > way_here) continue;
    slots_[hole] = slots_[at];
    hole = at;
  }
  slots_[hole] = nullptr;
  --size_;
}

}  // namespace labcoat::http2
