// uri-host [":" port], RFC 3986 section 3.2: what stands in a Host field and behind "http://".
#pragma once

#include <string_view>

namespace labcoat::http {

struct Authority {
  std::string_view host;  // brackets of an IPv6 address included
  std::string_view port;  // digits of 0 to 65535, or empty
};

// False when the text is not one. Stricter than the RFC's grammar in three places: the host may not
// be empty, user information is refused (RFC 9110 section 4.2.4), and so is IPvFuture, which never
// came.
bool parse_authority(std::string_view text, Authority& out);

// Digits of 0 to 65535, or empty.
bool is_port(std::string_view text);

}  // namespace labcoat::http
