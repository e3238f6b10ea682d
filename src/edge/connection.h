// Connection: what an edge thread knows of any client, whatever protocol is spoken with it.
#pragma once

#include <memory>
#include <string>
#include <sys/socket.h>

#include "base/clock.h"
#include "net/tls_stream.h"

namespace labcoat::edge {

struct ListenerInfo;

// Who is on the other side.
struct Client {
  Client(const sockaddr_storage& peer, const ListenerInfo& on) : listener(&on) { set(peer); }
  void set(const sockaddr_storage& peer);

  // The other end of the connection, whomever it speaks for.
  std::string_view peer_address() const { return address; }
  bool is_https() const;

  const ListenerInfo* listener;
  std::string address;  // empty for UNIX sockets
  u16 port = 0;
  std::shared_ptr<const net::ClientCertificate> certificate = nullptr;  // or none; by TLS
  bool http2 = false;
  std::string_view tls_version = {};  // "TLSv1.3"; a literal; empty in clear
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
