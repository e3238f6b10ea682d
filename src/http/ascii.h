// Letters and digits as HTTP knows them: ASCII, whatever the locale says.
#pragma once

namespace labcoat::http {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Of a hexadecimal digit, in either case; of anything else meaningless.
constexpr int hex_value(char c) {
  return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

}  // namespace labcoat::http
