#include "edge/socket_connection.h"

#include "edge/edge_thread.h"

namespace labcoat::edge {

bool SocketConnection::is_admin() const {
  return client_.listener->admin;
}

bool SocketConnection::watch(u32 events) {
  return thread_.loop().watch(transport_.fd(), events | EPOLLET, *this).has_value();
}

void SocketConnection::unwatch() {
  disarm();
  thread_.loop().forget(transport_.fd(), *this);
}

void SocketConnection::end_connection() {
  unwatch();
  transport_.close();
  thread_.remove(*this);
}

}  // namespace labcoat::edge
