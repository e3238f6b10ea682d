// Utf8Checker says whether bytes that come in pieces are UTF-8 (RFC 3629), at the first byte that
// cannot be part of it. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace labcoat::http {

class Utf8Checker {
 public:
  // False: not UTF-8; nothing more may be added.
  bool add(std::string_view bytes);
  // No character is begun and not ended.
  bool complete() const { return left_ == 0; }

 private:
  bool begin_character(uint8_t byte);

  uint8_t left_ = 0;  // bytes of the current character that are still to come
  // What the next of them may be: overlong forms, surrogates and what is beyond U+10FFFF are
  // told by the second byte.
  uint8_t low_ = 0x80, high_ = 0xbf;
};

}  // namespace labcoat::http
