#include "http/authority.h"

#include <arpa/inet.h>
#include <cstring>

#include "http/scan.h"

namespace labcoat::http {

namespace {

bool is_ipv6(std::string_view text) {
  char copy[INET6_ADDRSTRLEN];
  if (text.size() >= sizeof copy || text.find('\0') != text.npos) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  in6_addr address;
  return inet_pton(AF_INET6, copy, &address) == 1;
}

// The end of a reg-name (an IPv4 address is one, too), or nullptr at a broken escape.
const char* end_of_name(const char* p, const char* end) {
  for (;;) {
    p = skip_class(p, end, byte_class::regname);
    if (p == end || *p != '%') return p;
    if (end - p < 3 || !is_class(p[1], byte_class::hex) || !is_class(p[2], byte_class::hex)) {
      return nullptr;
    }
    p += 3;
  }
}

}  // namespace

bool is_port(std::string_view text) {
  int value = 0;
  if (text.size() > 5) return false;
  for (const char c : text) {
    if (!is_class(c, byte_class::digit)) return false;
    value = value * 10 + (c - '0');
  }
  return value <= 65535;
}

bool parse_authority(std::string_view text, Authority& out) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  const char* host_end;
  if (text.starts_with('[')) {
    const size_t bracket = text.find(']');
    if (bracket == text.npos || !is_ipv6(text.substr(1, bracket - 1))) return false;
    host_end = begin + bracket + 1;
  } else {
    host_end = end_of_name(begin, end);
    if (host_end == nullptr || host_end == begin) return false;
  }
  out.host = text.substr(0, static_cast<size_t>(host_end - begin));
  out.port = {};
  if (host_end == end) return true;
  if (*host_end != ':') return false;
  out.port = text.substr(out.host.size() + 1);
  return is_port(out.port);
}

}  // namespace labcoat::http
