// The head of an HTTP/1 response, as a client reads it. Pure: no sockets, no clock, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/field.h"

namespace labcoat::http {

struct ResponseHead {
  int status = 0;
  int minor_version = 1;
  int64_t content_length = -1;  // -1: none given
  bool chunked = false;
  bool keep_alive = true;
  // RFC 9112 section 6.3: neither length nor chunked means the body ends when the connection does;
  // the caller knows about HEAD, 1xx, 204 and 304.
  std::string_view fields;  // the raw field lines, for whoever wants one of them
};

// `used` is the length of the head, set only on done. Lenient only where RFC 9112 lets a client be.
Parsed parse_response(std::string_view bytes, ResponseHead& out, size_t& used);

// Value of the first field with this name in raw field lines, trimmed; empty when absent.
std::string_view find_field(std::string_view fields, std::string_view name);

}  // namespace labcoat::http
