#include "base/ip_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace labcoat {
namespace {

constexpr std::array<uint8_t, 12> v4_prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Decimal digits only, no zeros in front.
std::optional<unsigned> number(std::string_view text, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  if (text.size() > 1 && text[0] == '0') return std::nullopt;
  return value;
}

}  // namespace

bool IpAddress::is_v4() const {
  return std::equal(v4_prefix.begin(), v4_prefix.end(), bytes.begin());
}

std::string IpAddress::text() const {
  char out[INET6_ADDRSTRLEN] = "";
  if (is_v4()) {
    inet_ntop(AF_INET, bytes.data() + v4_prefix.size(), out, sizeof out);
  } else {
    inet_ntop(AF_INET6, bytes.data(), out, sizeof out);
  }
  return out;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  char copy[INET6_ADDRSTRLEN] = "";
  if (text.size() >= sizeof copy) return std::nullopt;
  // inet_pton reads up to a NUL; what is behind one would be overlooked.
  if (text.find('\0') != text.npos) return std::nullopt;
  std::memcpy(copy, text.data(), text.size());
  IpAddress address;
  if (text.find(':') == text.npos) {
    std::copy(v4_prefix.begin(), v4_prefix.end(), address.bytes.begin());
    if (inet_pton(AF_INET, copy, address.bytes.data() + v4_prefix.size()) != 1) return std::nullopt;
  } else if (inet_pton(AF_INET6, copy, address.bytes.data()) != 1) {
    return std::nullopt;
  }
  return address;
}

bool IpNetwork::contains(const IpAddress& address) const {
  const auto whole = static_cast<size_t>(bits / 8);
  if (!std::equal(base.bytes.begin(), base.bytes.begin() + whole, address.bytes.begin())) {
    return false;
  }
  if (bits % 8 == 0) return true;
  const int mask = 0xff00 >> (bits % 8) & 0xff;
  return ((base.bytes[whole] ^ address.bytes[whole]) & mask) == 0;
}

std::optional<IpNetwork> parse_network(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpNetwork network{*address, 128};
  if (slash == text.npos) return network;
  const bool v4 = text.substr(0, slash).find(':') == text.npos;
  const auto bits = number(text.substr(slash + 1), v4 ? 32 : 128);
  if (!bits) return std::nullopt;
  network.bits = static_cast<int>(*bits) + (v4 ? 96 : 0);
  for (int bit = network.bits; bit < 128; ++bit) {
    if ((network.base.bytes[static_cast<size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0) {
      return std::nullopt;
    }
  }
  return network;
}

std::optional<IpAndPort> parse_ip_and_port(std::string_view text) {
  std::string_view host = text, port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == text.npos) return std::nullopt;
    host = text.substr(1, end - 1);
    if (host.find(':') == host.npos) return std::nullopt;
    const std::string_view rest = text.substr(end + 1);
    if (!rest.empty() && (rest[0] != ':' || rest.size() == 1)) return std::nullopt;
    if (!rest.empty()) port = rest.substr(1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    const size_t colon = text.find(':');
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
    if (port.empty()) return std::nullopt;
  }
  const auto address = parse_ip(host);
  if (!address) return std::nullopt;
  IpAndPort out{*address, 0};
  if (port.empty()) return out;
  const auto value = number(port, 65535);
  if (!value) return std::nullopt;
  out.port = static_cast<uint16_t>(*value);
  return out;
}

}  // namespace labcoat
