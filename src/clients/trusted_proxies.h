// TrustedProxies: who may speak for somebody else, and what becomes of a client they speak for.
// Read-only after construction; shared by all threads.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip_address.h"
#include "http/request.h"

namespace labcoat::clients {

struct Client;
struct ForwardedClient;

class TrustedProxies {
 public:
  // The text of the option `trusted_proxies`, checked before; `fields`: x-forwarded or forwarded.
  TrustedProxies(std::string_view networks, std::string_view fields);

  bool trusts(const IpAddress& address) const;
  // Who is at the other end of this connection, or whom its PROXY header named.
  bool trusts(const Client& client) const;

  // For whom a trusted client speaks in this request; null: for itself. Lists are read from the
  // right, past those that are trusted, too; the first who is not is the client.
  std::unique_ptr<ForwardedClient> client_of(const http::RequestHead& head,
                                             const Client& peer) const;

  // Fields that claim something about a client. An app must not see them: from a trusted peer they
  // are used up (others of its fields pass), from anybody else they are lies.
  bool hides(std::string_view field_name, bool from_trusted) const;

 private:
  std::unique_ptr<ForwardedClient> by_forwarded(const http::RequestHead& head,
                                                const Client& peer) const;
  std::unique_ptr<ForwardedClient> by_x_forwarded(const http::RequestHead& head,
                                                  const Client& peer) const;

  std::vector<IpNetwork> networks_;
  bool unix_sockets_ = false;
  bool forwarded_ = false;  // not X-Forwarded-…
};

}  // namespace labcoat::clients
