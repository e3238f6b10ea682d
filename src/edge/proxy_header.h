// ProxyHeader: the first stage of a client on a listener with PROXY protocol. It reads the header
// that the balancer has put in front, takes it out of the stream, and hands the client over.
// Whoever is not trusted, or does not begin with a header, is cut off.
#pragma once

#include "edge/edge_thread.h"
#include "edge/socket_connection.h"

namespace labcoat::edge {

class ProxyHeader final : public SocketConnection {
 public:
  ProxyHeader(EdgeThread& thread, net::Transport transport, const clients::Client& client)
      : SocketConnection(thread, std::move(transport), client) {}

  void start();
  void on_events(u32 events) override;
  void resume() override {}
  void drain() override { end_connection(); }

 private:
  void on_timeout() override;
  void refuse();
};

}  // namespace labcoat::edge
