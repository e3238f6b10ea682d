#include "edge/https_rules.h"

#include <algorithm>

namespace labcoat::edge {
namespace {

std::string_view without_port(std::string_view host) {
  const size_t colon = host.rfind(':');
  const bool in_brackets = colon != host.npos && host.find(']', colon) != host.npos;
  return colon == host.npos || in_brackets ? host : host.substr(0, colon);
}

// RFC 6797 section 6.1.
std::string hsts_value(const config::Tls& tls) {
  if (tls.hsts_ns == 0) return "";
  return "max-age=" + std::to_string(tls.hsts_ns / seconds) +
         (tls.hsts_subdomains ? "; includeSubDomains" : "");
}

}  // namespace

void apply_https_rules(const config::Tls& tls, std::vector<ListenerInfo>& listeners) {
  const auto first = std::find_if(listeners.begin(), listeners.end(),
                                  [](const ListenerInfo& one) { return one.https && !one.admin; });
  const int own_port = first == listeners.end() ? 0 : first->port;
  for (ListenerInfo& listener : listeners) {
    if (listener.admin) continue;
    if (listener.https) {
      listener.asks_certificates = tls.client_certificates != "off";
      listener.hsts = hsts_value(tls);
    } else if (!listener.unix_socket) {
      // Behind a UNIX socket is somebody who speaks https with the clients, if anybody does.
      listener.redirect_port = tls.redirect_port < 0 ? own_port : tls.redirect_port;
    }
  }
}

std::string https_location(const http::RequestHead& head, std::string_view host,
                           const ListenerInfo& listener) {
  std::string out = "https://";
  if (!host.empty()) {
    out.append(without_port(host));
  } else if (listener.server_name.find(':') != std::string::npos) {
    out.append("[").append(listener.server_name).append("]");
  } else {
    out.append(listener.server_name);
  }
  if (listener.redirect_port != 443) out.append(":").append(std::to_string(listener.redirect_port));
  out.append(head.path.starts_with('/') ? head.path : "/");
  if (head.has_query) out.append("?").append(head.query);
  return out;
}

int https_redirect_status(std::string_view method) {
  return method == "GET" || method == "HEAD" ? 301 : 308;
}

void add_hsts(const ListenerInfo& listener, answer::Response& response) {
  constexpr std::string_view name = "Strict-Transport-Security";
  if (listener.hsts.empty()) return;
  const bool said =
      std::any_of(response.fields.begin(), response.fields.end(),
                  [&](const http::Field& field) { return http::same_name(field.name, name); });
  if (!said) response.fields.push_back({name, listener.hsts});
}

bool write_client_certificate(const Client& client, channel::RequestWriter& writer) {
  if (!client.listener->asks_certificates) return true;
  if (client.certificate == nullptr) return writer.field("SSL_CLIENT_VERIFY", "NONE");
  return writer.field("SSL_CLIENT_VERIFY", "SUCCESS") &&
         writer.field("SSL_CLIENT_S_DN", client.certificate->subject) &&
         writer.field("SSL_CLIENT_I_DN", client.certificate->issuer) &&
         writer.field("SSL_CLIENT_M_SERIAL", client.certificate->serial);
}

}  // namespace labcoat::edge
