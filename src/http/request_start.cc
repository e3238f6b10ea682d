#include "http/request_start.h"

#include <algorithm>

namespace labcoat::http {
namespace {

constexpr size_t digits_max = 19;  // of a 64-bit number of nanoseconds

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::optional<i64> parse_request_start(std::string_view value) {
  if (value.starts_with("t=")) value.remove_prefix(2);
  const size_t dot = std::min(value.find('.'), value.size());
  const std::string_view whole = value.substr(0, dot);
  const std::string_view fraction = value.substr(std::min(dot + 1, value.size()));
  const bool dangling = dot < value.size() && fraction.empty();
  if (whole.empty() || whole.front() == '0' || whole.size() > digits_max || dangling ||
      !std::all_of(whole.begin(), whole.end(), is_digit) ||
      !std::all_of(fraction.begin(), fraction.end(), is_digit)) {
    return std::nullopt;
  }
  // 9 to 11 digits are seconds, three more milliseconds, and so on: 18 and 19 are nanoseconds.
  if (whole.size() < 9) return std::nullopt;
  i64 unit = whole.size() <= 11 ? seconds : whole.size() <= 14 ? ms : whole.size() <= 17 ? us : 1;
  u64 number = 0;
  for (const char c : whole) number = number * 10 + static_cast<u64>(c - '0');
  u64 total = 0;
  constexpr u64 most = ~u64{0} >> 1;
  if (__builtin_mul_overflow(number, static_cast<u64>(unit), &total) || total > most) {
    return std::nullopt;
  }
  for (const char c : fraction) {
    unit /= 10;
    total += static_cast<u64>(c - '0') * static_cast<u64>(unit);
  }
  if (total > most) return std::nullopt;
  return static_cast<i64>(total);
}

i64 waited_since(std::string_view value, i64 wall_now_ns) {
  const auto start = parse_request_start(value);
  if (!start || *start >= wall_now_ns) return 0;
  const i64 waited = wall_now_ns - *start;
  return waited > request_start_age_max_ns ? 0 : waited;
}

}  // namespace labcoat::http
