#include "bench/address.h"

#include <cerrno>
#include <cstring>
#include <memory>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/un.h>

namespace labcoat::bench {
namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

// 0, or the errno of the failed connection.
int try_connect(const Address& address, i64 timeout_ns) {
  const Fd socket = make_socket(address);
  if (!socket) return errno;
  if (connect(socket.get(), address.get(), address.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  pollfd wait{.fd = socket.get(), .events = POLLOUT, .revents = 0};
  const int ready = poll(&wait, 1, static_cast<int>(timeout_ns / ms));
  if (ready == 0) return ETIMEDOUT;
  if (ready < 0) return errno;
  int error = 0;
  socklen_t size = sizeof error;
  getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

tl::unexpected<Error> no_listener(const std::string& where, int error) {
  std::string text = "cannot connect to " + where + ": " + errno_text(error);
  if (error == ECONNREFUSED || error == ENOENT) text += "; is the server running there?";
  return fail(text);
}

}  // namespace

Fd make_socket(const Address& address) {
  Fd made(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (made && address.family() != AF_UNIX) {
    const int on = 1;
    setsockopt(made.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  return made;
}

Result<Address> find_listener(const std::string& host, int port, i64 timeout_ns) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const std::string service = std::to_string(port);
  if (const int error = getaddrinfo(host.c_str(), service.c_str(), &hints, &list); error != 0) {
    return fail("cannot find the host '" + host + "': " + gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
  const std::string place = host + ":" + service;
  int error = 0;
  for (const addrinfo* entry = list; entry != nullptr; entry = entry->ai_next) {
    Address address;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    address.text = place;
    error = try_connect(address, timeout_ns);
    if (error == 0) return address;
  }
  return no_listener(place, error);
}

Result<Address> find_unix_listener(const std::string& path, i64 timeout_ns) {
  Address address;
  auto* unix_address = reinterpret_cast<sockaddr_un*>(&address.storage);
  if (path.size() >= sizeof unix_address->sun_path) {
    return fail("the socket path '" + path + "' is longer than the " +
                std::to_string(sizeof unix_address->sun_path - 1) +
                " bytes that UNIX sockets allow");
  }
  unix_address->sun_family = AF_UNIX;
  std::memcpy(unix_address->sun_path, path.c_str(), path.size() + 1);
  address.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + 1);
  address.text = path;
  if (const int error = try_connect(address, timeout_ns); error != 0) {
    return no_listener(path, error);
  }
  return address;
}

}  // namespace labcoat::bench
