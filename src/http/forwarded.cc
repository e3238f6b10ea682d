#include "http/forwarded.h"

#include "http/authority.h"
#include "http/field.h"

namespace labcoat::http {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The position of the first `separator` outside of quotes; npos when there is none. `whole` is
// false when a quote is never closed.
size_t find_unquoted(std::string_view text, char separator, bool& whole) {
  bool quoted = false;
  whole = true;
  for (size_t at = 0; at < text.size(); ++at) {
    if (quoted && text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (text[at] == separator && !quoted) {
      return at;
    }
  }
  whole = !quoted;
  return text.npos;
}

// RFC 9110 section 5.6.4.
std::optional<std::string> unquoted(std::string_view text) {
  if (is_token(text)) return std::string(text);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '"') return std::nullopt;
    if (text[at] == '\\' && ++at == text.size()) return std::nullopt;
    out.push_back(text[at]);
  }
  return out;
}

// One "name=value". False: it is not one, or is said twice.
bool read_pair(std::string_view pair, ForwardedElement& out, unsigned& seen) {
  const size_t equals = pair.find('=');
  if (equals == pair.npos || !is_token(pair.substr(0, equals))) return false;
  const std::string_view name = pair.substr(0, equals);
  const auto value = unquoted(pair.substr(equals + 1));
  if (!value) return false;
  const auto first_time = [&](unsigned bit) {
    const bool fresh = (seen & bit) == 0;
    seen |= bit;
    return fresh;
  };
  if (same_name(name, "for")) {
    // RFC 7239 section 6: IPv6 only in brackets here.
    const bool bare_v6 = value->find(':') != value->rfind(':') && !value->starts_with('[');
    if (!bare_v6) out.client = parse_ip_and_port(*value);
    return first_time(1);
  }
  if (same_name(name, "proto")) {
    if (same_name(*value, "https")) out.proto = "https";
    if (same_name(*value, "http")) out.proto = "http";
    return first_time(2);
  }
  if (same_name(name, "host")) {
    Authority authority;
    if (parse_authority(*value, authority)) out.host = *value;
    return first_time(4);
  }
  return true;
}

bool read_element(std::string_view text, ForwardedElement& out) {
  unsigned seen = 0;
  for (;;) {
    bool whole = true;
    const size_t end = find_unquoted(text, ';', whole);
    const std::string_view pair = trimmed(text.substr(0, end));
    if (!whole || (!pair.empty() && !read_pair(pair, out, seen))) return false;
    if (end == text.npos) return true;
    text.remove_prefix(end + 1);
  }
}

}  // namespace

bool take_last_forwarded(std::string_view& list, ForwardedElement& out) {
  // Quotes can only be told from the left.
  size_t begin = 0, last_comma = list.npos;
  for (;;) {
    bool whole = true;
    const size_t comma = find_unquoted(list.substr(begin), ',', whole);
    if (!whole) return false;
    if (comma == list.npos) break;
    last_comma = begin + comma;
    begin = last_comma + 1;
  }
  const std::string_view element = trimmed(list.substr(begin));
  list = list.substr(0, last_comma == list.npos ? 0 : last_comma);
  out = {};
  return !element.empty() && read_element(element, out);
}

bool take_last_item(std::string_view& list, std::string_view& out) {
  const size_t comma = list.rfind(',');
  out = trimmed(comma == list.npos ? list : list.substr(comma + 1));
  list = list.substr(0, comma == list.npos ? 0 : comma);
  return !out.empty();
}

}  // namespace labcoat::http
