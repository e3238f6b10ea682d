// Numbers as decimal digits into memory that is there already.
#pragma once

#include <array>
#include <charconv>
#include <cstring>

#include "base/clock.h"

namespace labcoat {

// An i64 takes at most so many bytes, its sign among them.
constexpr size_t number_bytes_max = 20;

// "00" to "99".
inline constexpr auto digit_pairs = [] {
  std::array<char, 200> made{};
  for (size_t i = 0; i < made.size(); ++i) {
    made[i] = static_cast<char>('0' + (i % 2 == 0 ? i / 20 : i / 2 % 10));
  }
  return made;
}();

// Writes to `out`, which has room for number_bytes_max; returns the end. Nearly every status,
// length of a page and time in microseconds has less digits than five: counting them first, as
// to_chars does, takes longer than making them.
inline char* put_number(i64 number, char* out) {
  if (number < 0 || number >= 10'000) return std::to_chars(out, out + number_bytes_max, number).ptr;
  const auto n = static_cast<size_t>(number);
  if (n >= 1000) {
    std::memcpy(out, &digit_pairs[n / 100 * 2], 2);
    out += 2;
  } else if (n >= 100) {
    *out++ = static_cast<char>('0' + n / 100);
  } else if (n < 10) {
    *out = static_cast<char>('0' + n);
    return out + 1;
  }
  std::memcpy(out, &digit_pairs[n % 100 * 2], 2);
  return out + 2;
}

// Of 0 to 999, with leading zeros.
inline char* put_three_digits(i64 number, char* out) {
  *out = static_cast<char>('0' + number / 100);
  std::memcpy(out + 1, &digit_pairs[static_cast<size_t>(number % 100) * 2], 2);
  return out + 3;
}

}  // namespace labcoat
