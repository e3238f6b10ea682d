#include "python/header_rules.h"

#include <array>

namespace labcoat::python {
namespace {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = '0'; c <= '9'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'a'; c <= 'z'; ++c) table[static_cast<size_t>(c)] = true;
  for (int c = 'A'; c <= 'Z'; ++c) table[static_cast<size_t>(c)] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) table[static_cast<u8>(c)] = true;
  return table;
}
constexpr auto token_table = make_token_table();

constexpr std::string_view hop_by_hop[] = {
    "connection", "keep-alive", "proxy-authenticate", "proxy-authorization",
    "te",         "trailers",   "transfer-encoding",  "upgrade",
};

bool same_name(std::string_view name, std::string_view lower) {
  if (name.size() != lower.size()) return false;
  for (size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c) != lower[i]) return false;
  }
  return true;
}

}  // namespace

bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!token_table[static_cast<u8>(c)]) return false;
  }
  return !text.empty();
}

bool has_control(std::string_view text) {
  bool found = false;  // without a way out early, so that the compiler can look at many at once
  for (const char c : text) {
    const u8 byte = static_cast<u8>(c);
    found |= (byte < 0x20 && byte != '\t') || byte == 0x7f;
  }
  return found;
}

bool is_hop_by_hop(std::string_view name) {
  // Content-Type, Location, Set-Cookie, …: most names have a length that none of these has.
  constexpr u32 lengths = 1u << 2 | 1u << 7 | 1u << 8 | 1u << 10 | 1u << 17 | 1u << 18 | 1u << 19;
  if (name.size() > 19 || (lengths >> name.size() & 1) == 0) return false;
  for (const std::string_view known : hop_by_hop) {
    if (same_name(name, known)) return true;
  }
  return false;
}

bool is_content_length(std::string_view name) {
  return same_name(name, "content-length");
}

std::optional<StatusLine> parse_status(std::string_view text) {
  if (text.size() < 4 || text[3] != ' ') return std::nullopt;
  int code = 0;
  for (const char c : text.substr(0, 3)) {
    if (c < '0' || c > '9') return std::nullopt;
    code = code * 10 + (c - '0');
  }
  if (code < 200 || code > 599 || has_control(text)) return std::nullopt;
  return StatusLine{code, text.substr(4)};
}

std::optional<i64> parse_content_length(std::string_view value) {
  if (value.empty() || value.size() > 18) return std::nullopt;  // 10^18 bytes are enough
  i64 length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + (c - '0');
  }
  return length;
}

}  // namespace labcoat::python
