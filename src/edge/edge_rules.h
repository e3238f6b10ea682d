// EdgeRules: what may change while the edge runs, in one read-only piece: routes, whom to believe,
// what https asks, and limits that are looked up for each request. A request goes by those that
// were in force when it began.
#pragma once

#include <memory>

#include "clients/client_limits.h"
#include "clients/trusted_proxies.h"
#include "config/config.h"
#include "edge/https_rules.h"
#include "http/mime.h"
#include "routes/router.h"

namespace labcoat::edge {

struct EdgeRules {
  explicit EdgeRules(config::Config fresh)
      : config(std::move(fresh)), proxies(config.trusted_proxies, config.proxy_fields) {}

  config::Config config;
  routes::Router router;
  clients::TrustedProxies proxies;
  HttpsRules https;
  std::unique_ptr<clients::ClientLimits> rates;  // of requests; connections are counted elsewhere

  // `at_start`: the routes that the edge was started with, whose places (max_concurrent) there are.
  static Result<std::shared_ptr<const EdgeRules>> build(
      config::Config config, const http::MimeTypes& types,
      const std::vector<config::Route>& at_start,
      const std::vector<clients::ListenerInfo>& listeners);
};

}  // namespace labcoat::edge
