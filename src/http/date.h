// HTTP dates, RFC 9110 section 5.6.7.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace labcoat::http {

constexpr size_t date_bytes = 29;  // "Sun, 06 Nov 1994 08:49:37 GMT"

// Writes exactly date_bytes bytes, no NUL. `epoch_s` is seconds since 1970; before year 0000 and
// after year 9999 the nearest date that can be written stands in.
void write_date(int64_t epoch_s, char* out);
// All three forms a recipient must accept; nullopt for anything else. The name of the weekday is
// not held against the date.
std::optional<int64_t> parse_date(std::string_view text);

}  // namespace labcoat::http
