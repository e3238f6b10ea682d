// ProxyHeader: the first stage of a client on a listener with PROXY protocol. It reads the header
// that the balancer has put in front, takes it out of the stream, and hands the client over.
// Whoever is not trusted, or does not begin with a header, is cut off.
#pragma once

#include "edge/connection.h"
#include "edge/edge_thread.h"
#include "edge/timeouts.h"
#include "net/loop.h"
#include "net/transport.h"

namespace labcoat::edge {

class ProxyHeader final : public Connection, public net::Watcher, public Timeout {
 public:
  ProxyHeader(EdgeThread& thread, net::Transport transport, const Client& client)
      : thread_(thread), transport_(std::move(transport)), client_(client) {}

  void start();
  void on_events(u32 events) override;
  void resume() override {}
  void drain() override { close(); }
  bool is_admin() const override { return client_.listener->admin; }

 private:
  void on_timeout() override;
  void refuse();
  void close();

  EdgeThread& thread_;
  net::Transport transport_;
  Client client_;
};

}  // namespace labcoat::edge
