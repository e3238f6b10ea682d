#include "edge/status_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/json.h"
#include "edge/metrics_page.h"

namespace labcoat::edge {
namespace {

// Each option by its section and name: what was written, and where.
nlohmann::json options_json(const config::Config& config) {
  nlohmann::json options = nlohmann::json::object();
  for (const auto& [name, source] : config.sources) {
    const auto value = config.values.find(name);
    options[name] = {{"value", value == config.values.end() ? "" : value->second},
                     {"source", source}};
  }
  return options;
}

}  // namespace

bool StatusPages::ready() const {
  return !shared_.draining.load(std::memory_order_relaxed) &&
         std::all_of(shared_.channels.begin(), shared_.channels.end(),
                     [](const auto& channel) { return channel->endpoint_count() > 0; });
}

AdminPages::Page StatusPages::answer(std::string_view path) const {
  const char* text = "text/plain; charset=utf-8";
  if (path == "/health") return {200, text, "ok\n"};
  if (path == "/ready") {
    return ready() ? Page{200, text, "ready\n"} : Page{503, text, "not ready\n"};
  }
  if (path == "/status") return {200, "application/json", status_json()};
  if (path == "/metrics")
    return {200, "text/plain; version=0.0.4; charset=utf-8", metrics_text(shared_, threads_)};
  return {404, text, "404 Not Found: /health, /ready, /status and /metrics are here\n"};
}

std::string StatusPages::status_json() const {
  nlohmann::json status = {{"version", LABCOAT_VERSION}, {"ready", ready()}};
  status["counters"] = counters_json(shared_, threads_);
  const auto rules = shared_.rules();
  status["routes"] = routes_json(threads_);
  for (size_t i = 0; i < shared_.channels.size(); ++i) {
    status["apps"][shared_.config->apps[i].name] =
        app_json(*shared_.channels[i], *shared_.lines[i]);
  }
  status["options"] = options_json(rules->config);
  // Environments hold passwords: their names must do.
  config::Config shown = rules->config;
  for (config::App& app : shown.apps) {
    for (auto& [name, value] : app.environment) value = "(not shown)";
  }
  status["config"] = nlohmann::json::parse(config::to_json(shown), nullptr, false);
  // App names and paths come from outside: what is not UTF-8 is replaced, never thrown.
  return status.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace labcoat::edge
