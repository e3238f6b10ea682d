// Integers of HPACK, RFC 7541 section 5.1: a prefix of some bits in the first byte, then seven bits
// a byte.
#pragma once

#include "base/clock.h"

namespace labcoat::http2 {

// RFC 7541 section 5.1 wants a limit: 32 bits, and no more bytes than those need.
constexpr int integer_shift_max = 28;

// `at` stands on the first byte, whose lowest `prefix_bits` count; afterwards behind the last.
// False: cut at `end`, or too large.
inline bool read_integer(const char*& at, const char* end, int prefix_bits, u32& out) {
  const u32 prefix_max = (1U << prefix_bits) - 1;
  out = static_cast<u8>(*at++) & prefix_max;
  if (out < prefix_max) return true;
  u64 sum = out;
  for (int shift = 0; shift <= integer_shift_max; shift += 7) {
    if (at == end) return false;
    const u8 byte = static_cast<u8>(*at++);
    sum += static_cast<u64>(byte & 0x7f) << shift;
    if (sum > 0xffffffff) return false;
    if ((byte & 0x80) == 0) {
      out = static_cast<u32>(sum);
      return true;
    }
  }
  return false;
}

constexpr size_t integer_bytes_max = 6;

// `flags` are the bits above the prefix. Returns behind the last byte written.
inline char* write_integer(char* at, u8 flags, int prefix_bits, u32 number) {
  const u32 prefix_max = (1U << prefix_bits) - 1;
  if (number < prefix_max) {
    *at++ = static_cast<char>(flags | number);
    return at;
  }
  *at++ = static_cast<char>(flags | prefix_max);
  number -= prefix_max;
  while (number >= 0x80) {
    *at++ = static_cast<char>(0x80 | (number & 0x7f));
    number >>= 7;
  }
  *at++ = static_cast<char>(number);
  return at;
}

}  // namespace labcoat::http2
