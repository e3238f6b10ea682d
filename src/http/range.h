// Byte ranges, RFC 9110 section 14.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace labcoat::http {

struct ByteRange {
  int64_t first = 0;
  int64_t last = 0;  // inclusive
};

constexpr size_t ranges_max = 16;  // more than this in one request is answered with the whole file

struct Ranges {
  enum class Verdict { whole, partial, unsatisfiable };
  Verdict verdict = Verdict::whole;  // whole: no Range, not bytes, malformed, too many, or together
                                     // more than the representation has
  std::array<ByteRange, ranges_max> ranges;
  size_t count = 0;
};

// `size` is the length of the representation. Every range returned satisfies 0 <= first <= last <
// size.
Ranges parse_ranges(std::string_view value, int64_t size);

}  // namespace labcoat::http
