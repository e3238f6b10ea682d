#include "clients/trusted_proxies.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "clients/client.h"
#include "http/authority.h"
#include "http/forwarded.h"

namespace labcoat::clients {
namespace {

// All fields of this name as one list, in their order (RFC 9110 section 5.3).
std::string joined(const http::RequestHead& head, std::string_view name) {
  std::string list;
  for (size_t i = 0; i < head.field_count; ++i) {
    if (!http::same_name(head.fields[i].name, name)) continue;
    if (!list.empty()) list.push_back(',');
    list.append(head.fields[i].value);
  }
  return list;
}

std::vector<std::string_view> items_of(std::string_view list) {
  std::vector<std::string_view> items;
  std::string_view item;
  while (!list.empty()) {
    http::take_last_item(list, item);
    items.push_back(item);
  }
  return items;
}

// `items` are from the right. With one for each hop, that of the hop; else the last one said, by
// the proxy that is connected to us.
std::string_view said_at(const std::vector<std::string_view>& items, size_t hop, size_t hops) {
  if (items.empty()) return {};
  return items.size() == hops ? items[hop] : items.front();
}

}  // namespace

TrustedProxies::TrustedProxies(std::string_view networks, std::string_view fields)
    : forwarded_(fields == "forwarded") {
  for (const std::string_view word : split(networks, ' ')) {
    if (word.empty()) continue;
    if (word == "unix") {
      unix_sockets_ = true;
      continue;
    }
    const auto network = parse_network(word);
    CHECK(network.has_value());  // the configuration was read with it
    networks_.push_back(*network);
  }
}

bool TrustedProxies::trusts(const IpAddress& address) const {
  return std::any_of(networks_.begin(), networks_.end(),
                     [&](const IpNetwork& one) { return one.contains(address); });
}

bool TrustedProxies::trusts(const Client& client) const {
  if (client.address.empty()) return unix_sockets_;
  if (networks_.empty()) return false;
  const auto address = parse_ip(client.address);
  return address && trusts(*address);
}

std::unique_ptr<ForwardedClient> TrustedProxies::client_of(const http::RequestHead& head,
                                                           const Client& peer) const {
  return forwarded_ ? by_forwarded(head, peer) : by_x_forwarded(head, peer);
}

std::unique_ptr<ForwardedClient> TrustedProxies::by_forwarded(const http::RequestHead& head,
                                                              const Client& peer) const {
  const std::string text = joined(head, "forwarded");
  std::string_view list = text;
  std::unique_ptr<ForwardedClient> found;
  http::ForwardedElement element;
  while (http::take_last_forwarded(list, element)) {
    if (!found) found = std::make_unique<ForwardedClient>(peer);
    if (!element.proto.empty()) found->client.https_by_proxy = element.proto == "https";
    if (!element.host.empty()) found->host = element.host;
    if (!element.client) break;
    found->client.speak_for(*element.client);
    if (!trusts(element.client->address)) break;
  }
  return found;
}

std::unique_ptr<ForwardedClient> TrustedProxies::by_x_forwarded(const http::RequestHead& head,
                                                                const Client& peer) const {
  const std::string addresses = joined(head, "x-forwarded-for");
  const std::string protos = joined(head, "x-forwarded-proto");
  const std::string hosts = joined(head, "x-forwarded-host");
  if (addresses.empty() && protos.empty() && hosts.empty()) return nullptr;
  auto found = std::make_unique<ForwardedClient>(peer);
  const auto hops = items_of(addresses);
  size_t hop = 0;
  for (; hop < hops.size(); ++hop) {
    const auto client = parse_ip_and_port(hops[hop]);
    if (!client) break;
    found->client.speak_for(*client);
    if (!trusts(client->address)) break;
  }
  hop = std::min(hop, hops.empty() ? 0 : hops.size() - 1);
  const std::string_view proto = said_at(items_of(protos), hop, hops.size());
  if (!proto.empty()) found->client.https_by_proxy = http::same_name(proto, "https");
  const std::string_view host = said_at(items_of(hosts), hop, hops.size());
  http::Authority authority;
  if (http::parse_authority(host, authority)) found->host = host;
  return found;
}

bool TrustedProxies::hides(std::string_view name, bool from_trusted) const {
  if (name.size() < 9) return false;
  const char first = static_cast<char>(name[0] | 0x20);
  if (first == 'f') return http::same_name(name, "forwarded");
  if (first != 'x') return false;
  const bool any = !from_trusted || forwarded_;  // none of its kind is the proxy's own word
  if (any)
    return http::name_begins_with(name, "x-forwarded-") || http::same_name(name, "x-real-ip");
  return http::same_name(name, "x-forwarded-for") || http::same_name(name, "x-forwarded-proto") ||
         http::same_name(name, "x-forwarded-host") || http::same_name(name, "x-real-ip");
}

}  // namespace labcoat::clients
