// The head of an HTTP/1 request, strict to RFC 9112: what the RFC forbids is refused, never
// repaired. Pure: no sockets, no clock, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>

#include "http/field.h"

namespace labcoat::http {

struct RequestLimits {
  size_t target_bytes_max = 8 * 1024;   // 414
  size_t header_bytes_max = 32 * 1024;  // whole head, request line included; 431
  size_t fields_max = 100;              // 431; at most RequestHead::fields_capacity
};

// Room for fields that is not cleared first: clearing it would cost more than reading a short head.
// What was not written must not be read.
template <size_t capacity>
class FieldRoom {
 public:
  FieldRoom() {}
  Field& operator[](size_t i) { return *(std::launder(reinterpret_cast<Field*>(bytes_)) + i); }
  const Field& operator[](size_t i) const {
    return *(std::launder(reinterpret_cast<const Field*>(bytes_)) + i);
  }

 private:
  static_assert(std::is_trivially_copyable_v<Field> && std::is_trivially_destructible_v<Field>);
  alignas(Field) std::byte bytes_[capacity * sizeof(Field)];
};

struct RequestHead {
  static constexpr size_t fields_capacity = 128;

  std::string_view method;  // a token; case-sensitive
  std::string_view target;  // as sent
  // The target's parts. For absolute-form ("http://host/path?q") path and query come from the URL
  // and `host` from its authority, and a missing path is "/"; for "*" path is "*". `query` has no
  // '?'; has_query tells "/a?" from "/a".
  std::string_view path;
  std::string_view query;
  bool has_query = false;
  int major_version = 1;              // 2 when HTTP/2 brought it; minor_version is 1 then
  int minor_version = 1;              // HTTP/1.0 or HTTP/1.1
  FieldRoom<fields_capacity> fields;  // the first field_count are set
  size_t field_count = 0;

  // Facts drawn from the fields while they were checked.
  std::string_view host;         // valid uri-host [":" port]; empty only for HTTP/1.0 without Host
  int64_t content_length = -1;   // -1: none given
  bool chunked = false;          // Transfer-Encoding: chunked, HTTP/1.1 only
  bool keep_alive = true;        // after RFC 9112 section 9.3
  bool expect_continue = false;  // HTTP/1.1 only
  bool upgrade = false;          // Connection: upgrade and an Upgrade field
  // HTTP/2: CONNECT with the protocol websocket (RFC 8441); `method` is GET then, as in HTTP/1.1.
  bool connects_websocket = false;

  // Set on bad: the status to answer (400, 414, 417, 431, 501, 505) and a few words of why, for the
  // log.
  int status = 0;
  const char* why = "";

  // First field with this name (case-insensitive), or nullptr.
  const Field* find(std::string_view name) const;
};

// Views in `out` point into `bytes`. `used` is the length of the head, set only on done. On
// need_more call again with the same bytes and more behind them, wherever they lie by then;
// `scanned` remembers how far was looked, so that a drip of bytes costs linear time. It starts as
// 0, is more than 0 after need_more with any bytes, and 0 again on done. Nothing else is kept from
// call to call: `out` need not be the same. A single CRLF before the request line is skipped (RFC
// 9112 section 2.2). The verdict depends on the bytes alone, not on how they came in pieces: lines
// are judged when they are complete or hold a control byte, the fields together when the head is
// complete. A head that cannot end within the limits is bad.
Parsed parse_request(std::string_view bytes, const RequestLimits& limits, RequestHead& out,
                     size_t& used, size_t& scanned);

}  // namespace labcoat::http
