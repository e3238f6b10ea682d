#include "http/proxy_protocol.h"

#include <algorithm>
#include <cstring>

#include "http/authority.h"

namespace labcoat::http {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view v1_begin = "PROXY ";
constexpr size_t v1_bytes_max = 107;
constexpr std::string_view v2_begin = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr size_t v2_fixed_bytes = 16;

unsigned byte_at(std::string_view bytes, size_t at) {
  return static_cast<unsigned char>(bytes[at]);
}

size_t number_at(std::string_view bytes, size_t at) {
  return byte_at(bytes, at) << 8 | byte_at(bytes, at + 1);
}

// Up to the next space, which is taken too. A word is never empty.
std::string_view take_word(std::string_view& line) {
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(space == line.npos ? line.size() : space + 1);
  return word;
}

// "TCP4 192.0.2.1 192.0.2.2 56324 443"
bool read_v1_line(std::string_view line, ProxyHeader& out) {
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return true;
  const bool ends_with_space = line.ends_with(' ');
  const std::string_view family = take_word(line);
  const std::string_view from = take_word(line), to = take_word(line);
  const std::string_view from_port = take_word(line), to_port = take_word(line);
  if ((family != "TCP4" && family != "TCP6") || !line.empty() || ends_with_space) return false;
  const bool v4 = family == "TCP4";
  if ((from.find(':') == from.npos) != v4 || (to.find(':') == to.npos) != v4) return false;
  const auto client = parse_ip(from);
  if (!client || !parse_ip(to) || !is_port(from_port) || !is_port(to_port)) return false;
  // The same reader as for other ports: bounds, and no zeros in front.
  std::string text = "[::]:";
  const auto port = parse_ip_and_port(text + std::string(from_port));
  if (!port || !parse_ip_and_port(text + std::string(to_port))) return false;
  out.client = IpAndPort{*client, port->port};
  return true;
}

Parsed parse_v1(std::string_view bytes, ProxyHeader& out, size_t& used) {
  const size_t end = bytes.substr(0, v1_bytes_max).find('\n');
  if (end == bytes.npos) return bytes.size() < v1_bytes_max ? Parsed::need_more : Parsed::bad;
  if (bytes[end - 1] != '\r') return Parsed::bad;
  if (!read_v1_line(bytes.substr(v1_begin.size(), end - 1 - v1_begin.size()), out)) {
    return Parsed::bad;
  }
  used = end + 1;
  return Parsed::done;
}

// Section 2.2.6: type, length, value; the TLS part begins with a byte whose lowest bit says it all.
bool read_options(std::string_view options, ProxyHeader& out) {
  constexpr unsigned type_ssl = 0x20;
  while (!options.empty()) {
    if (options.size() < 3) return false;
    const size_t bytes = number_at(options, 1);
    if (bytes > options.size() - 3) return false;
    if (byte_at(options, 0) == type_ssl) {
      if (bytes < 5) return false;
      out.tls = (byte_at(options, 3) & 1) != 0;
    }
    options.remove_prefix(3 + bytes);
  }
  return true;
}

IpAndPort address_of(std::string_view block, bool v4) {
  const size_t bytes = v4 ? 4 : 16;
  IpAndPort out;
  if (v4) out.address.bytes[10] = out.address.bytes[11] = 0xff;
  std::memcpy(out.address.bytes.data() + 16 - bytes, block.data(), bytes);
  out.port = static_cast<uint16_t>(number_at(block, 2 * bytes));
  return out;
}

Parsed parse_v2(std::string_view bytes, ProxyHeader& out, size_t& used) {
  if (bytes.size() < v2_fixed_bytes) return Parsed::need_more;
  const unsigned version_and_command = byte_at(bytes, 12);
  const unsigned family = byte_at(bytes, 13) >> 4, transport = byte_at(bytes, 13) & 15;
  const size_t length = number_at(bytes, 14);
  if (version_and_command != 0x20 && version_and_command != 0x21) return Parsed::bad;
  if (family > 3 || transport > 2 || v2_fixed_bytes + length > proxy_header_bytes_max) {
    return Parsed::bad;
  }
  constexpr size_t address_bytes[] = {0, 12, 36, 216};  // none, IPv4, IPv6, UNIX
  const bool local = version_and_command == 0x20;
  if (!local && length < address_bytes[family]) return Parsed::bad;
  if (bytes.size() < v2_fixed_bytes + length) return Parsed::need_more;
  used = v2_fixed_bytes + length;
  if (local) return Parsed::done;  // section 2.2: the rest is to be skipped
  const std::string_view block = bytes.substr(v2_fixed_bytes, length);
  if (family == 1 || family == 2) {
    if (transport != 1) return Parsed::bad;  // a stream, as this connection is
    out.client = address_of(block, family == 1);
  }
  return read_options(block.substr(address_bytes[family]), out) ? Parsed::done : Parsed::bad;
}

}  // namespace

Parsed parse_proxy_header(std::string_view bytes, ProxyHeader& out, size_t& used) {
  out = {};
  for (const std::string_view begin : {v1_begin, v2_begin}) {
    const size_t known = std::min(bytes.size(), begin.size());
    if (bytes.substr(0, known) != begin.substr(0, known)) continue;
    if (known < begin.size()) return Parsed::need_more;
    return begin == v1_begin ? parse_v1(bytes, out, used) : parse_v2(bytes, out, used);
  }
  return Parsed::bad;
}

}  // namespace labcoat::http
