// Client: who is on the other side of a connection, as far as it is known by now.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/ip_address.h"
#include "net/tls_stream.h"

namespace labcoat::clients {

struct ListenerInfo;

struct Client {
  Client(const sockaddr_storage& peer, const ListenerInfo& on) : listener(&on) { set(peer); }
  void set(const sockaddr_storage& peer);

  // A trusted proxy is at the other end: the client is another.
  void speak_for(const IpAndPort& other);
  // The other end of the connection, whomever it speaks for.
  std::string_view peer_address() const { return proxy.empty() ? address : proxy; }
  bool is_https() const;

  const ListenerInfo* listener;
  std::string address;  // empty for UNIX sockets
  u16 port = 0;
  std::string proxy = {};                             // its address, if one speaks for the client
  std::optional<bool> https_by_proxy = std::nullopt;  // as it says; else as the listener is
  bool trusted = false;                               // may speak for somebody else
  std::shared_ptr<void> seat = nullptr;               // of ClientLimits, or none
  std::shared_ptr<const net::ClientCertificate> certificate = nullptr;  // or none; by TLS
  bool http2 = false;
  std::string_view tls_version = {};  // "TLSv1.3"; a literal; empty in clear
};

// For whom a trusted client speaks in one request.
struct ForwardedClient {
  explicit ForwardedClient(const Client& bringer) : client(bringer) {}
  Client client;
  std::string host;  // that the client asked; empty: as in Host
};

}  // namespace labcoat::clients
