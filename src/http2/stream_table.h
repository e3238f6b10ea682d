// StreamTable: the live streams of a connection by their number. Open addressing without
// tombstones: numbers only go up by two, so that neighbours are nearly always where they belong.
#pragma once

#include <vector>

#include "http2/stream.h"

namespace labcoat::http2 {

class StreamTable {
 public:
  size_t size() const { return size_; }
  // nullptr: not there.
  Stream* find(StreamId id) const {
    if (slots_.empty()) return nullptr;
    for (size_t at = place_of(id);; at = after(at)) {
      if (slots_[at] == nullptr || slots_[at]->id() == id) return slots_[at];
    }
  }
  // It is not there yet.
  void add(Stream& stream);
  // It is there.
  void remove(Stream& stream);

  // In no order. Nothing may come or go meanwhile.
  template <class DoOne>
  void for_each(const DoOne& do_one) const {
    for (Stream* const stream : slots_) {
      if (stream != nullptr) do_one(*stream);
    }
  }

 private:
  static constexpr size_t slots_min = 16;

  // Clients count in odd numbers.
  size_t place_of(StreamId id) const { return (id >> 1) & (slots_.size() - 1); }
  size_t after(size_t at) const { return (at + 1) & (slots_.size() - 1); }
  void put(Stream& stream);

  std::vector<Stream*> slots_;  // a power of two, or none; never more than half full
  size_t size_ = 0;
};

}  // namespace labcoat::http2
