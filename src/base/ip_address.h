// IP addresses and networks as texts and bytes. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace labcoat {

// IPv4 is kept as IPv6 (::ffff:a.b.c.d), so that the same address is equal however it came.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  auto operator<=>(const IpAddress&) const = default;
  bool is_v4() const;
  std::string text() const;
};

// "192.0.2.1" or "2001:db8::1", without brackets, zone and port.
std::optional<IpAddress> parse_ip(std::string_view text);

struct IpNetwork {
  IpAddress base;
  int bits = 128;  // of base
  bool contains(const IpAddress& address) const;
};

// "10.0.0.0/8", or one address. Bits behind the prefix must be 0: they are nearly always a slip.
std::optional<IpNetwork> parse_network(std::string_view text);

// "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]:80", and "2001:db8::1" as proxies write it.
struct IpAndPort {
  IpAddress address;
  uint16_t port = 0;  // 0: none
};
std::optional<IpAndPort> parse_ip_and_port(std::string_view text);

}  // namespace labcoat
