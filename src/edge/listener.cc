#include "edge/listener.h"

#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

namespace labcoat::edge {

Status Listener::watch() {
  if (watched_) return {};
  auto watched = thread_.loop().watch(info_.socket, EPOLLIN | EPOLLEXCLUSIVE, *this);
  watched_ = watched.has_value();
  return watched;
}

void Listener::forget() {
  if (watched_) thread_.loop().forget(info_.socket, *this);
  watched_ = false;
}

void Listener::on_events(u32) {
  for (int i = 0; i < accepts_per_event_max; ++i) {
    if (!accept_one()) return;
  }
}

void Listener::accept_all() {
  while (accept_one()) {
  }
}

bool Listener::accept_one() {
  sockaddr_storage peer{};
  socklen_t length = sizeof peer;
  Fd socket(::accept4(info_.socket, reinterpret_cast<sockaddr*>(&peer), &length,
                      SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      thread_.pause_accepting();
    }
    return errno == ECONNABORTED || errno == EINTR;
  }
  const int on = 1;
  // Answers go out whole; Nagle's algorithm would only hold the last part back. Fails for UNIX
  // sockets, rightly.
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  thread_.add(std::move(socket), peer, info_);
  return thread_.accepting() || info_.admin;
}

}  // namespace labcoat::edge
