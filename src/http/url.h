// URLs: the path of a request made safe to route by, and the URLs that people type on a command
// line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace labcoat::http {

// Percent-decodes and removes dot segments (RFC 3986 section 5.2.4) of a path that starts with '/'.
// Writes at most path.size() bytes to `out` (which may be the path's own memory) and returns their
// number, or -1 when the path is bad: no '/' in front, a broken escape, a NUL byte, or ".." above
// the root. The result starts with '/', has no "." or ".." segment (also none that was escaped),
// and is stable: normalising an already decoded result without '%' changes nothing.
ptrdiff_t normalize_path(std::string_view path, char* out);

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // without brackets
  int port = 80;
  std::string target;  // path and query, at least "/"
  // "host:port" as it belongs in a Host field: brackets for IPv6, no default port.
  std::string authority() const;
};

// Absolute http and https URLs; a fragment is dropped. Errors say what is wrong and give an
// example.
Result<Url> parse_url(std::string_view text);

}  // namespace labcoat::http
