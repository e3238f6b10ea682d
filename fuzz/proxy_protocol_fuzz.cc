// parse_proxy_header: the verdict depends on the header's own bytes alone: with less it wants more,
// with anything behind it says the same.
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/proxy_protocol.h"

using namespace labcoat::http;
using labcoat::parse_ip;
using labcoat::fuzz::ExactBytes;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ExactBytes bytes(std::string_view(reinterpret_cast<const char*>(data), size));
  ProxyHeader header;
  size_t used = 0;
  const Parsed parsed = parse_proxy_header(bytes.view(), header, used);
  if (parsed == Parsed::need_more) {
    CHECK(size < proxy_header_bytes_max);
    return 0;
  }
  ProxyHeader again;
  size_t used_again = 0;
  if (parsed == Parsed::bad) {
    const ExactBytes longer(std::string(bytes.view()) + "\r\n");
    CHECK(parse_proxy_header(longer.view(), again, used_again) == Parsed::bad);
    return 0;
  }
  CHECK(used > 0 && used <= size && used <= proxy_header_bytes_max);
  const ExactBytes exact(bytes.view().substr(0, used));
  CHECK(parse_proxy_header(exact.view(), again, used_again) == Parsed::done && used_again == used);
  CHECK(again.client.has_value() == header.client.has_value() && again.tls == header.tls);
  const ExactBytes less(bytes.view().substr(0, used - 1));
  CHECK(parse_proxy_header(less.view(), again, used_again) == Parsed::need_more);
  if (header.client) CHECK(parse_ip(header.client->address.text()) == header.client->address);
  return 0;
}
