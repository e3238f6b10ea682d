#include "edge/https_rules.h"

#include <algorithm>

#include "edge/connection.h"

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

HttpsRules::HttpsRules(const config::Tls& tls, const std::vector<clients::ListenerInfo>& listeners)
    : redirect_port(tls.redirect_port),
      asks_certificates(tls.client_certificates != "off"),
      requires_certificates(tls.client_certificates == "required"),
      hsts(hsts_value(tls)) {
  if (redirect_port >= 0) return;
  const auto own =
      std::find_if(listeners.begin(), listeners.end(),
                   [](const clients::ListenerInfo& one) { return one.https && !one.admin; });
  redirect_port = own == listeners.end() ? 0 : own->port;
}

bool HttpsRules::lacks_certificate(const clients::Client& client) const {
  return requires_certificates && client.listener->https && client.certificate == nullptr;
}

std::string https_location(const http::RequestHead& head, std::string_view host,
                           const clients::ListenerInfo& listener, int port) {
  std::string out = "https://";
  if (!host.empty()) {
    out.append(without_port(host));
  } else if (listener.server_name.find(':') != std::string::npos) {
    out.append("[").append(listener.server_name).append("]");
  } else {
    out.append(listener.server_name);
  }
  if (port != 443) out.append(":").append(std::to_string(port));
  out.append(head.path.starts_with('/') ? head.path : "/");
  if (head.has_query) out.append("?").append(head.query);
  return out;
}

int https_redirect_status(std::string_view method) {
  return method == "GET" || method == "HEAD" ? 301 : 308;
}

void add_hsts(const HttpsRules& rules, const clients::ListenerInfo& listener,
              answer::Response& response) {
  constexpr std::string_view name = "Strict-Transport-Security";
  if (rules.hsts.empty() || !listener.https || listener.admin) return;
  const bool said =
      std::any_of(response.fields.begin(), response.fields.end(),
                  [&](const http::Field& field) { return http::same_name(field.name, name); });
  if (!said) response.fields.push_back({name, rules.hsts});
}

bool write_client_certificate(const HttpsRules& rules, const clients::Client& client,
                              channel::RequestWriter& writer) {
  if (!rules.asks_certificates || !client.listener->https || client.listener->admin) return true;
  if (client.certificate == nullptr) return writer.field("SSL_CLIENT_VERIFY", "NONE");
  return writer.field("SSL_CLIENT_VERIFY", "SUCCESS") &&
         writer.field("SSL_CLIENT_S_DN", client.certificate->subject) &&
         writer.field("SSL_CLIENT_I_DN", client.certificate->issuer) &&
         writer.field("SSL_CLIENT_M_SERIAL", client.certificate->serial);
}

}  // namespace labcoat::edge
