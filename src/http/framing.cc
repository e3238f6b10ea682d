#include "http/framing.h"

#include <limits>

#include "http/field.h"

namespace labcoat::http {

int64_t parse_length(std::string_view value) {
  constexpr int64_t max = std::numeric_limits<int64_t>::max();
  if (value.empty()) return -1;
  int64_t length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return -1;
    const int digit = c - '0';
    if (length > (max - digit) / 10) return -1;
    length = length * 10 + digit;
  }
  return length;
}

std::string_view trim_ows(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string_view next_element(std::string_view& list) {
  const size_t comma = list.find(',');
  const std::string_view element = trim_ows(list.substr(0, comma));
  list = comma == list.npos ? std::string_view() : list.substr(comma + 1);
  return element;
}

Coding parse_coding(std::string_view value) {
  if (same_name(value, "chunked")) return Coding::chunked;
  bool other = false;
  bool chunked = false;
  // A comma at the very end leaves an empty element too: the list is malformed.
  if (value.empty() || value.back() == ',') return Coding::malformed;
  while (!value.empty()) {
    const std::string_view element = next_element(value);
    // Parameters of a coding we do not know are not ours to check; chunked has none.
    const std::string_view name = trim_ows(element.substr(0, element.find(';')));
    if (chunked || !is_token(name)) return Coding::malformed;
    if (!same_name(name, "chunked")) {
      other = true;
    } else if (element.size() == name.size()) {
      chunked = true;
    } else {
      return Coding::malformed;
    }
  }
  return !chunked ? Coding::others : other ? Coding::then_chunked : Coding::chunked;
}

void ConnectionOptions::add(std::string_view value) {
  while (!value.empty()) {
    const std::string_view option = next_element(value);
    if (same_name(option, "close")) close = true;
    if (same_name(option, "keep-alive")) keep_alive = true;
    if (same_name(option, "upgrade")) upgrade = true;
  }
}

}  // namespace labcoat::http
