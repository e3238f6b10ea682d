#include "clients/client.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "clients/listener_info.h"

namespace labcoat::clients {

bool Client::is_https() const {
  return https_by_proxy.value_or(listener->https);
}

void Client::speak_for(const IpAndPort& other) {
  if (proxy.empty()) proxy = address.empty() ? "unix" : address;
  address = other.address.text();
  port = other.port;
}

void Client::set(const sockaddr_storage& peer) {
  char text[INET6_ADDRSTRLEN] = "";
  if (peer.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(peer);
    inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
    port = ntohs(v4.sin_port);
  } else if (peer.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(peer);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    port = ntohs(v6.sin6_port);
  }
  address = text;
}

}  // namespace labcoat::clients
