// What https changes in requests and answers, whatever protocol carries them.
#pragma once

#include <string>

#include "answer/response.h"
#include "channel/edge_port.h"
#include "edge/connection.h"
#include "edge/edge_thread.h"
#include "http/request.h"

namespace labcoat::edge {

// Tells each listener what is wanted of it; the ports are known by now.
void apply_https_rules(const config::Tls& tls, std::vector<ListenerInfo>& listeners);

// The same resource at listener.redirect_port.
std::string https_location(const http::RequestHead& head, std::string_view host,
                           const ListenerInfo& listener);
// Asking again with GET is right for what was asked with GET; anything else keeps its method and
// body (RFC 9110 section 15.4).
int https_redirect_status(std::string_view method);

// Adds Strict-Transport-Security where it is wanted and the app has not said its own.
void add_hsts(const ListenerInfo& listener, answer::Response& response);

// What the app learns of the client's certificate: fields whose names have an underscore, as no
// client's can have. False: the request has no room.
bool write_client_certificate(const Client& client, channel::RequestWriter& writer);

}  // namespace labcoat::edge
