// What the fuzz targets share: bytes in a heap buffer of just their size, so that AddressSanitizer
// sees the first byte read outside; cuts that come from the input, so that libFuzzer can move them;
// and the input as one choice after the other.
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

// The input, taken piece by piece; zeros behind its end.
class Choices {
 public:
  explicit Choices(std::string_view bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto first = static_cast<uint8_t>(bytes_[0]);
    bytes_.remove_prefix(1);
    return first;
  }
  // Small, or anything at all.
  uint32_t number() {
    const uint32_t first = byte();
    if (first < 0xf0) return first;
    uint32_t number = first;
    for (int i = 0; i < 3; ++i) number = number << 8 | byte();
    return number;
  }
  // At most `size` bytes.
  std::string_view piece(size_t size) {
    const std::string_view piece = bytes_.substr(0, size);
    bytes_.remove_prefix(piece.size());
    return piece;
  }

 private:
  std::string_view bytes_;
};

}  // namespace labcoat::fuzz
