// What PEP 3333 and RFC 9110 allow an application to answer. Pure: bytes in, facts out, no Python.
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace labcoat::python {

// RFC 9110 section 5.6.2: token = 1*tchar.
bool is_token(std::string_view text);
// Any control character but HTAB; PEP 3333 forbids them in values, since CR and LF would begin
// another header.
bool has_control(std::string_view text);
// Headers of one connection, not of the response: they are the server's to set (RFC 2616 13.5.1, as
// PEP 3333 quotes it).
bool is_hop_by_hop(std::string_view name);
bool is_content_length(std::string_view name);

// "200 OK": three digits from 200 to 599, a space, the reason (may be empty).
struct StatusLine {
  int code;
  std::string_view reason;
};
std::optional<StatusLine> parse_status(std::string_view text);

// Digits only, at most 2^63-1.
std::optional<i64> parse_content_length(std::string_view value);

}  // namespace labcoat::python
