// What https changes in requests and answers, whatever protocol carries them.
#pragma once

#include <string>
#include <vector>

#include "answer/response.h"
#include "channel/edge_port.h"
#include "clients/client.h"
#include "clients/listener_info.h"
#include "config/config.h"
#include "http/request.h"

namespace labcoat::edge {

struct HttpsRules {
  HttpsRules() = default;
  // The ports of the listeners are known by now.
  HttpsRules(const config::Tls& tls, const std::vector<clients::ListenerInfo>& listeners);

  // Where every request that is not https is redirected to; 0: nowhere.
  int redirects_to(const clients::ListenerInfo& listener) const {
    // Behind a UNIX socket is somebody who speaks https with the clients, if anybody does.
    return listener.https || listener.admin || listener.unix_socket ? 0 : redirect_port;
  }

  // A connection from before a reload that has shown no certificate, where one is required now.
  bool lacks_certificate(const clients::Client& client) const;

  int redirect_port = 0;
  bool asks_certificates = false;  // of clients
  bool requires_certificates = false;
  std::string hsts;  // value of Strict-Transport-Security; empty: none
};

// The same resource at this port.
std::string https_location(const http::RequestHead& head, std::string_view host,
                           const clients::ListenerInfo& listener, int port);
// Asking again with GET is right for what was asked with GET; anything else keeps its method and
// body (RFC 9110 section 15.4).
int https_redirect_status(std::string_view method);

// Adds Strict-Transport-Security to what went over https, where it is wanted and the app has not
// said its own.
void add_hsts(const HttpsRules& rules, const clients::ListenerInfo& listener,
              answer::Response& response);

// What the app learns of the client's certificate: fields whose names have an underscore, as no
// client's can have. False: the request has no room.
bool write_client_certificate(const HttpsRules& rules, const clients::Client& client,
                              channel::RequestWriter& writer);

}  // namespace labcoat::edge
