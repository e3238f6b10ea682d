// The field values that decide where a message ends and what becomes of its connection; requests
// and responses read them alike and differ in what they forgive.
#pragma once

#include <cstdint>
#include <string_view>

namespace labcoat::http {

// Content-Length: 1*DIGIT that fits 63 bits. -1 for anything else.
int64_t parse_length(std::string_view value);

// Transfer-Encoding, RFC 9112 section 6.1.
enum class Coding {
  chunked,       // exactly that
  others,        // other codings and no chunked
  then_chunked,  // other codings, chunked last
  malformed,     // empty, not tokens, chunked repeated or not last
};
Coding parse_coding(std::string_view value);

// Connection, RFC 9110 section 7.6.1; several fields add up.
struct ConnectionOptions {
  bool close = false;
  bool keep_alive = false;
  bool upgrade = false;

  void add(std::string_view value);
};

// Takes the first element off a comma-separated list, without whitespace around it; it may be
// empty.
std::string_view next_element(std::string_view& list);
// Without spaces and tabs at both ends.
std::string_view trim_ows(std::string_view text);

}  // namespace labcoat::http
