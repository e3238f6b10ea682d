// One field line (header) as views into bytes that somebody else owns.
#pragma once

#include <string_view>

namespace labcoat::http {

struct Field {
  std::string_view name;   // as sent; compare with same_name
  std::string_view value;  // without surrounding whitespace
};

// What a pure parser says of the bytes it was given.
enum class Parsed { done, need_more, bad };

// ASCII case-insensitive, RFC 9110 section 5.1.
bool same_name(std::string_view a, std::string_view b);
// "X-Forwarded-For" begins with "x-forwarded-".
bool name_begins_with(std::string_view name, std::string_view prefix);
// RFC 9110 section 5.6.2: token = 1*tchar.
bool is_token(std::string_view text);
// RFC 9110 section 5.5: visible characters, obs-text, SP and HTAB; no CR, LF, NUL or other
// controls.
bool is_field_value(std::string_view text);

}  // namespace labcoat::http
