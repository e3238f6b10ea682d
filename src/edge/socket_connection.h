// SocketConnection: what every connection has, whatever stage or protocol it is: its transport, its
// client, its place in the thread's loop, one timeout, and one way to end.
#pragma once

#include <sys/epoll.h>

#include "edge/connection.h"
#include "net/loop.h"
#include "net/timeouts.h"
#include "net/transport.h"

namespace labcoat::edge {

class EdgeThread;

class SocketConnection : public Connection, public net::Watcher, public net::Timeout {
 public:
  bool is_admin() const final;

 protected:
  // `thread` outlives it.
  SocketConnection(EdgeThread& thread, net::Transport transport, const clients::Client& client)
      : thread_(thread), transport_(std::move(transport)), client_(client) {}

  // Edge-triggered and registered once: no further epoll_ctl in the life of the connection. False:
  // the kernel has no memory for it.
  bool watch(u32 events = EPOLLIN | EPOLLOUT | EPOLLRDHUP);
  // No event and no timeout any more; somebody else goes on with the transport.
  void unwatch();
  // Closes the socket; the thread destroys the connection at the end of the batch.
  void end_connection();

  EdgeThread& thread_;
  net::Transport transport_;
  clients::Client client_;
};

}  // namespace labcoat::edge
