// Where the load goes: a resolved socket address, tried once before the run so that a wrong port
// fails at the start.
#pragma once

#include <string>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace labcoat::bench {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
  std::string text;  // for people: "127.0.0.1:8000" or the socket's path

  int family() const { return storage.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// The first of the host's addresses that accepts a connection. Errors: unknown host, and what
// connect said.
Result<Address> find_listener(const std::string& host, int port, i64 timeout_ns);
// The same for a UNIX stream socket.
Result<Address> find_unix_listener(const std::string& path, i64 timeout_ns);

// A non-blocking stream socket of the address's family, with TCP_NODELAY. Empty on error, with
// errno set.
Fd make_socket(const Address& address);

}  // namespace labcoat::bench
