// The header of the PROXY protocol, versions 1 and 2, that a load balancer puts in front of the
// first byte of a connection (haproxy.org/download/2.9/doc/proxy-protocol.txt). Strict: what the
// document forbids is bad. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/ip_address.h"
#include "http/field.h"

namespace labcoat::http {

struct ProxyHeader {
  // None: the proxy speaks for itself (a health check), or for somebody without an IP address.
  std::optional<IpAndPort> client;
  bool tls = false;  // version 2 can say that the client has come by TLS
};

// Longer ones, by their optional parts, are bad.
inline constexpr size_t proxy_header_bytes_max = 4096;

// `used` is the length of the header, set only on done.
Parsed parse_proxy_header(std::string_view bytes, ProxyHeader& out, size_t& used);

}  // namespace labcoat::http
