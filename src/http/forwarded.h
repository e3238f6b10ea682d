// What proxies say about the client they speak for: the elements of Forwarded (RFC 7239) or of
// X-Forwarded-For, one after the other from the right, which is the order of trust: the last one is
// by the proxy that is connected to us. Pure; nothing is believed here.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ip_address.h"

namespace labcoat::http {

struct ForwardedElement {
  std::optional<IpAndPort> client;  // none: "unknown", obfuscated, or nonsense
  std::string_view proto;           // "http" or "https", in any case; empty: not said
  std::string host;                 // a valid authority; empty: not said
};

// Takes the last element off a list of Forwarded elements. False: the list is empty or not one;
// then nothing to the left of it can be made sense of either.
bool take_last_forwarded(std::string_view& list, ForwardedElement& out);

// The same of a plain list with commas, as X-Forwarded-For is.
bool take_last_item(std::string_view& list, std::string_view& out);

}  // namespace labcoat::http
