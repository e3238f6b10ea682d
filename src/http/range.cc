#include "http/range.h"

#include <algorithm>
#include <limits>

#include "http/field.h"
#include "http/framing.h"

namespace labcoat::http {

namespace {

// 1*DIGIT; a number too large to hold is as good as the largest, files end before that. -1: not
// digits.
int64_t parse_position(std::string_view text) {
  constexpr int64_t max = std::numeric_limits<int64_t>::max();
  if (text.empty()) return -1;
  int64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return -1;
    const int digit = c - '0';
    value = value > (max - digit) / 10 ? max : value * 10 + digit;
  }
  return value;
}

enum class Spec { malformed, outside, inside };

// "first-last", "first-" or "-suffix" against a representation of `size` bytes.
Spec parse_spec(std::string_view text, int64_t size, ByteRange& out) {
  const size_t dash = text.find('-');
  if (dash == text.npos) return Spec::malformed;
  const std::string_view first_text = text.substr(0, dash);
  const std::string_view last_text = text.substr(dash + 1);
  if (first_text.empty()) {
    const int64_t suffix = parse_position(last_text);
    if (suffix < 0) return Spec::malformed;
    if (suffix == 0) return Spec::outside;
    out = {.first = std::max<int64_t>(0, size - suffix), .last = size - 1};
    return Spec::inside;
  }
  const int64_t first = parse_position(first_text);
  const int64_t last =
      last_text.empty() ? std::numeric_limits<int64_t>::max() : parse_position(last_text);
  if (first < 0 || last < first) return Spec::malformed;
  if (first >= size) return Spec::outside;
  out = {.first = first, .last = std::min(last, size - 1)};
  return Spec::inside;
}

}  // namespace

Ranges parse_ranges(std::string_view value, int64_t size) {
  constexpr std::string_view unit = "bytes=";
  const Ranges whole;
  if (!same_name(value.substr(0, unit.size()), unit)) return whole;
  value.remove_prefix(unit.size());

  Ranges result;
  bool asked = false;
  int64_t bytes = 0;
  while (!value.empty()) {
    const std::string_view element = next_element(value);
    if (element.empty()) continue;  // a list may have empty elements, RFC 9110 section 5.6.1
    asked = true;
    ByteRange range;
    const Spec spec = parse_spec(element, size, range);
    if (spec == Spec::malformed) return whole;
    if (spec == Spec::outside) continue;
    // Of nothing there is no part. And whoever asks for more than everything would have us send it
    // many times over (RFC 9110 section 17.15).
    const int64_t length = range.last - range.first + 1;
    if (size == 0 || result.count == ranges_max || length > size - bytes) return whole;
    bytes += length;
    result.ranges[result.count++] = range;
  }
  if (!asked) return whole;
  result.verdict = result.count > 0 ? Ranges::Verdict::partial : Ranges::Verdict::unsatisfiable;
  return result;
}

}  // namespace labcoat::http
