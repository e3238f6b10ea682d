#include "http/utf8.h"

#include <cstring>

namespace labcoat::http {

bool Utf8Checker::begin_character(uint8_t byte) {
  low_ = 0x80;
  high_ = 0xbf;
  if (byte < 0x80) return true;
  if (byte < 0xc2 || byte > 0xf4) return false;
  if (byte < 0xe0) {
    left_ = 1;
  } else if (byte < 0xf0) {
    left_ = 2;
    if (byte == 0xe0) low_ = 0xa0;
    if (byte == 0xed) high_ = 0x9f;
  } else {
    left_ = 3;
    if (byte == 0xf0) low_ = 0x90;
    if (byte == 0xf4) high_ = 0x8f;
  }
  return true;
}

bool Utf8Checker::add(std::string_view bytes) {
  const char* at = bytes.data();
  const char* const end = at + bytes.size();
  while (at != end) {
    if (left_ == 0) {
      // Eight characters of ASCII at once.
      uint64_t word = 0;
      while (end - at >= 8) {
        std::memcpy(&word, at, sizeof word);
        if ((word & 0x8080808080808080) != 0) break;
        at += 8;
      }
      if (at == end) break;
      if (!begin_character(static_cast<uint8_t>(*at++))) return false;
      continue;
    }
    const auto byte = static_cast<uint8_t>(*at++);
    if (byte < low_ || byte > high_) return false;
    low_ = 0x80;
    high_ = 0xbf;
    --left_;
  }
  return true;
}

}  // namespace labcoat::http
