#include "edge/edge_rules.h"

#include <utility>

namespace labcoat::edge {

Result<std::shared_ptr<const EdgeRules>> EdgeRules::build(
    config::Config config, const http::MimeTypes& types, const std::vector<config::Route>& at_start,
    const std::vector<clients::ListenerInfo>& listeners) {
  auto rules = std::make_shared<EdgeRules>(std::move(config));
  auto router = routes::Router::build(rules->config, types);
  if (!router) return tl::unexpected(router.error());
  rules->router = std::move(*router);
  rules->router.find_places(at_start);
  rules->https = HttpsRules(rules->config.tls, listeners);
  rules->rates = std::make_unique<clients::ClientLimits>(rules->config);
  return std::shared_ptr<const EdgeRules>(std::move(rules));
}

}  // namespace labcoat::edge
