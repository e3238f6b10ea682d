// TlsHandshake: the first stage of a client on an https listener. When it is done, the connection
// goes on in the protocol that both sides have agreed on, over a transport that encrypts.
#pragma once

#include <memory>
#include <string_view>

#include "edge/edge_thread.h"
#include "edge/socket_connection.h"
#include "net/tls_context.h"

namespace labcoat::edge {

class TlsHandshake final : public SocketConnection {
 public:
  TlsHandshake(EdgeThread& thread, net::Transport transport, const clients::Client& client);

  // Watches the socket and begins with what somebody has read ahead.
  void start(std::string_view read_ahead);
  void on_events(u32 events) override;
  void resume() override {}
  void drain() override;

 private:
  void on_timeout() override;
  void go_on();
  void done();
  void explain_https();
  void close();

  // Certificates may be replaced meanwhile: this handshake ends with those it began with.
  std::shared_ptr<const net::TlsContext> context_;
  std::unique_ptr<net::TlsStream> stream_;
};

}  // namespace labcoat::edge
