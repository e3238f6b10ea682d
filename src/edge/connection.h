// Connection: what an edge thread knows of any client, whatever protocol is spoken with it.
#pragma once

#include <string>
#include <sys/socket.h>

#include "base/clock.h"

namespace labcoat::edge {

struct ListenerInfo;

// Who is on the other side.
struct Client {
  Client(const sockaddr_storage& peer, const ListenerInfo& on) : listener(&on) { set(peer); }
  void set(const sockaddr_storage& peer);

  const ListenerInfo* listener;
  std::string address;  // empty for UNIX sockets
  u16 port = 0;
};

// One edge thread's, which owns it: EdgeThread::add and remove.
class Connection {
 public:
  virtual ~Connection() = default;

  // Goes on with what it put off by EdgeThread::come_back.
  virtual void resume() = 0;
  // Shutting down: no further request. Idle connections go at once.
  virtual void drain() = 0;
  virtual bool is_admin() const = 0;
};

}  // namespace labcoat::edge
