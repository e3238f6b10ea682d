// What a client has sent, as it may stand in a line of the access log: nothing in it can look like
// the end of a field or of the line. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace labcoat::logs {

enum class LogEscape : uint8_t {
  quoted,  // between double quotes: these, backslashes and all but printable ASCII as \xHH
  bare,    // spaces too, for they would end the field
  json,    // RFC 8259 section 7; bytes above ASCII as characters of ISO-8859-1
};

// A byte becomes at most so many.
constexpr size_t log_escape_bytes_max = 6;
// Text is looked at and copied in blocks of so many bytes.
constexpr size_t log_block_bytes = 16;

// Writes to `out`, which has room for log_escape_bytes_max times the text and for one block more.
// Returns the end.
char* put_escaped(std::string_view text, LogEscape how, char* out);
// The same for a text behind which a block may be read, whatever stands there: the faster one.
char* put_escaped_padded(std::string_view text, LogEscape how, char* out);

}  // namespace labcoat::logs
