// Short texts compared without a call: fields have some ten or twenty bytes, of which memcmp would
// spend most on getting there.
#pragma once

#include <cstring>
#include <string_view>

#include "base/clock.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace labcoat::http2 {

template <class T>
inline T load(const char* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline bool differ_16(const char* a, const char* b) {
#if defined(__SSE2__)
  const __m128i equal = _mm_cmpeq_epi8(load<__m128i>(a), load<__m128i>(b));
  return _mm_movemask_epi8(equal) != 0xffff;
#else
  return load<u64>(a) != load<u64>(b) || load<u64>(a + 8) != load<u64>(b + 8);
#endif
}

// `n` bytes at both places.
inline bool same_bytes(const char* a, const char* b, size_t n) {
  if (n > 16) {
    for (size_t i = 0; i + 16 < n; i += 16) {
      if (differ_16(a + i, b + i)) return false;
    }
    return !differ_16(a + n - 16, b + n - 16);
  }
  if (n >= 8) {
    return load<u64>(a) == load<u64>(b) && load<u64>(a + n - 8) == load<u64>(b + n - 8);
  }
  if (n >= 4) {
    return load<u32>(a) == load<u32>(b) && load<u32>(a + n - 4) == load<u32>(b + n - 4);
  }
  if (n == 0) return true;
  return a[0] == b[0] && a[n / 2] == b[n / 2] && a[n - 1] == b[n - 1];
}

inline bool same_text(std::string_view a, std::string_view b) {
  return a.size() == b.size() && same_bytes(a.data(), b.data(), a.size());
}

}  // namespace labcoat::http2
