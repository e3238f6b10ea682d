// What the fuzz targets share: bytes in a heap buffer of just their size, so that AddressSanitizer
// sees the first byte read outside, and cuts that come from the input, so that libFuzzer can move
// them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace labcoat::fuzz {

class ExactBytes {
 public:
  explicit ExactBytes(std::string_view bytes)
      : memory_(new char[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), memory_.get());
  }
  std::string_view view() const { return {memory_.get(), size_}; }
  bool holds(std::string_view part) const {
    return part.data() >= memory_.get() && part.data() + part.size() <= memory_.get() + size_;
  }

 private:
  std::unique_ptr<char[]> memory_;
  size_t size_;
};

// The first byte of the input says how the rest is cut: pieces of 1 to 16 bytes, growing or all
// alike.
class Cuts {
 public:
  explicit Cuts(uint8_t recipe) : size_(1 + (recipe & 15)), growth_(recipe >> 4) {}
  size_t next() {
    const size_t size = size_;
    size_ += growth_;
    return size;
  }

 private:
  size_t size_;
  size_t growth_;
};

}  // namespace labcoat::fuzz
