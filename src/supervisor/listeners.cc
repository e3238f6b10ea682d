#include "supervisor/listeners.h"

#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace labcoat::supervisor {
namespace {

constexpr int stream_flags = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

tl::unexpected<Error> cannot_listen(const config::Listen& listen, int error) {
  std::string advice;
  if (error == EADDRINUSE) {
    advice = "; another program listens there: stop it, or choose another port with -l";
  } else if (error == EACCES && listen.kind == config::Listen::Kind::unix_socket) {
    advice = "; the directory must be writable for this user";
  } else if (error == EACCES) {
    advice = "; ports below 1024 need the capability CAP_NET_BIND_SERVICE";
  } else if (error == EADDRNOTAVAIL) {
    advice = "; this machine has no such address";
  }
  return fail(fmt::format("cannot listen on {}: {}{}", listen.url, errno_text(error), advice));
}

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> resolve(const config::Listen& listen) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(listen.port);
  const int error = getaddrinfo(listen.host.c_str(), port.c_str(), &hints, &found);
  if (error == 0) return AddressList(found, freeaddrinfo);
  return fail(fmt::format("cannot listen on {}: '{}' is not an address of this machine ({})",
                          listen.url, listen.host, gai_strerror(error)));
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  const in_port_t port = address.ss_family == AF_INET6
                             ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                             : reinterpret_cast<const sockaddr_in&>(address).sin_port;
  return ntohs(port);
}

Result<Listener> open_tcp(const config::Listen& listen, int backlog) {
  const auto addresses = resolve(listen);
  if (!addresses) return tl::unexpected(addresses.error());
  const addrinfo& address = **addresses;
  Fd socket(::socket(address.ai_family, stream_flags, address.ai_protocol));
  if (!socket) return cannot_listen(listen, errno);
  const int on = 1;
  setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // "[::]" means IPv6: whoever wants both names both.
  if (address.ai_family == AF_INET6) {
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(socket.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return cannot_listen(listen, errno);
  }
  const bool bracketed = listen.host.find(':') != std::string::npos;
  const char* scheme = listen.kind == config::Listen::Kind::https ? "https" : "http";
  const std::string host = bracketed ? "[" + listen.host + "]" : listen.host;
  std::string url = fmt::format("{}://{}:{}", scheme, host, port_of(socket.get()));
  return Listener{std::move(socket), std::move(url), ""};
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);  // the length was checked
  return address;
}

bool somebody_listens(const sockaddr_un& address) {
  const Fd probe(::socket(AF_UNIX, stream_flags, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  return probe && (connect(probe.get(), generic, sizeof address) == 0 || errno == EAGAIN);
}

Result<Listener> open_unix(const config::Listen& listen, int backlog) {
  const sockaddr_un address = address_of(listen.path);
  struct stat status {};
  if (lstat(listen.path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) {
      return fail(
          fmt::format("cannot listen on {}: there is a file that is not a socket", listen.url));
    }
    if (somebody_listens(address)) return cannot_listen(listen, EADDRINUSE);
    unlink(listen.path.c_str());
  }
  Fd socket(::socket(AF_UNIX, stream_flags, 0));
  if (!socket) return cannot_listen(listen, errno);
  if (bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(socket.get(), backlog) != 0) {
    return cannot_listen(listen, errno);
  }
  // Whoever may reach the directory may connect; a proxy in front usually runs as another user.
  chmod(listen.path.c_str(), 0666);
  return Listener{std::move(socket), "unix:" + listen.path, listen.path};
}

}  // namespace

Result<Listener> open_listener(const config::Listen& listen, int backlog) {
  return listen.kind == config::Listen::Kind::unix_socket ? open_unix(listen, backlog)
                                                          : open_tcp(listen, backlog);
}

Result<std::vector<Listener>> open_listeners(const std::vector<config::Listen>& listen,
                                             int backlog) {
  std::vector<Listener> listeners;
  for (const config::Listen& one : listen) {
    auto listener = open_listener(one, backlog);
    if (!listener) {
      close_listeners(listeners);
      return tl::unexpected(listener.error());
    }
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

void close_listeners(std::vector<Listener>& listeners) {
  for (const Listener& listener : listeners) {
    if (!listener.unix_path.empty()) unlink(listener.unix_path.c_str());
  }
  listeners.clear();
}

std::vector<std::string> urls_of(const std::vector<Listener>& listeners) {
  std::vector<std::string> urls;
  for (const Listener& listener : listeners) urls.push_back(listener.url);
  return urls;
}

}  // namespace labcoat::supervisor
