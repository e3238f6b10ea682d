#include "config/adoption.h"

#include <algorithm>
#include <set>

#include "config/json.h"

namespace labcoat::config {
namespace {

// What is looked up for each request, or each time that a timeout is armed; and logs, which a
// thread changes between two turns of its loop. Everything else is built into processes, sockets or
// shared memory.
struct AdoptableRow {
  const char* name;
  void (*take)(Config& running, const Config& fresh);
  bool fits_listeners = false;  // those of its own file; with others it may shut everybody out
};

#define LABCOAT_LIMIT(option, member)                                                             \
  {                                                                                               \
    "limits." option,                                                                             \
        [](Config& running, const Config& fresh) { running.limits.member = fresh.limits.member; } \
  }
constexpr AdoptableRow adoptable[] = {
    LABCOAT_LIMIT("request_body_bytes", request_body_bytes),
    LABCOAT_LIMIT("header_timeout", header_timeout_ns),
    LABCOAT_LIMIT("body_timeout", body_timeout_ns),
    LABCOAT_LIMIT("idle_timeout", idle_timeout_ns),
    LABCOAT_LIMIT("write_timeout", write_timeout_ns),
    LABCOAT_LIMIT("drain_timeout", drain_timeout_ns),
    LABCOAT_LIMIT("body_rate_min", body_rate_min),
    LABCOAT_LIMIT("write_rate_min", write_rate_min),
    {"limits.rate_limit",
     [](Config& running, const Config& fresh) {
       running.limits.rate_interval_ns = fresh.limits.rate_interval_ns;
       running.limits.rate_per_second = fresh.limits.rate_per_second;
     }},
    LABCOAT_LIMIT("rate_burst", rate_burst),
    LABCOAT_LIMIT("rate_key", rate_key),
    LABCOAT_LIMIT("rate_buckets", rate_buckets),
    LABCOAT_LIMIT("compressions", compressions),
    LABCOAT_LIMIT("http2_streams", http2_streams),
    LABCOAT_LIMIT("http2_resets", http2_resets),
    LABCOAT_LIMIT("http2_control_frames", http2_control_frames),
#define LABCOAT_FITS_LISTENERS(option, member)                                                \
  {                                                                                           \
    option, [](Config& running, const Config& fresh) { running.member = fresh.member; }, true \
  }
    LABCOAT_FITS_LISTENERS("server.trusted_proxies", trusted_proxies),
    LABCOAT_FITS_LISTENERS("server.proxy_fields", proxy_fields),
    LABCOAT_FITS_LISTENERS("tls.version_min", tls.version_min),
    LABCOAT_FITS_LISTENERS("tls.client_certificates", tls.client_certificates),
    LABCOAT_FITS_LISTENERS("tls.client_ca", tls.client_ca),
    LABCOAT_FITS_LISTENERS("tls.kernel_tls", tls.kernel),
    LABCOAT_FITS_LISTENERS("tls.hsts", tls.hsts_ns),
    LABCOAT_FITS_LISTENERS("tls.hsts_subdomains", tls.hsts_subdomains),
    LABCOAT_FITS_LISTENERS("tls.redirect_https", tls.redirect_port),
#undef LABCOAT_FITS_LISTENERS
#define LABCOAT_LOG(option, member)                                                               \
  {                                                                                               \
    "server." option, [](Config& running, const Config& fresh) { running.member = fresh.member; } \
  }
    LABCOAT_LOG("access_log", access_log),
    LABCOAT_LOG("access_log_sync", access_log_sync),
    LABCOAT_LOG("access_log_format", access_log_format),
    LABCOAT_LOG("access_log_only", access_log_only),
    LABCOAT_LOG("access_log_sample", access_log_sample),
    LABCOAT_LOG("slow_log", slow_log),
    LABCOAT_LOG("slow_log_threshold", slow_log_threshold_ns),
#undef LABCOAT_LOG
    {"server.unknown_host",
     [](Config& running, const Config& fresh) { running.unknown_host = fresh.unknown_host; }},
};
#undef LABCOAT_LIMIT

const AdoptableRow* find_adoptable(const std::string& name) {
  const auto* const row = std::find_if(std::begin(adoptable), std::end(adoptable),
                                       [&](const AdoptableRow& one) { return name == one.name; });
  return row == std::end(adoptable) ? nullptr : row;
}

std::vector<std::string> names_of(const std::vector<App>& apps) {
  std::vector<std::string> names;
  for (const App& app : apps) names.push_back(app.name);
  return names;
}

std::string value_of(const Config& config, const std::string& name) {
  const auto value = config.values.find(name);
  return value == config.values.end() ? "" : value->second;
}

void take_word(Config& running, const Config& fresh, const std::string& name) {
  for (auto member : {&Config::values, &Config::sources}) {
    const auto word = (fresh.*member).find(name);
    if (word == (fresh.*member).end()) {
      (running.*member).erase(name);
    } else {
      (running.*member)[name] = word->second;
    }
  }
}

std::string routes_text(const std::vector<Route>& routes) {
  Config config;
  config.routes = routes;
  return to_json(config);
}

// Places are counted in a table that is as large as the routes at the start were.
std::string places_text(const std::vector<Route>& routes) {
  std::string text;
  for (const Route& route : routes) {
    if (route.max_concurrent <= 0) continue;
    text.append(route.name).append(" ").append(std::to_string(route.max_concurrent));
    text.append(" ").append(std::to_string(route.max_waiting)).append("\n");
  }
  return text;
}

bool same_urls(const std::vector<Listen>& running, const std::vector<Listen>& fresh) {
  return std::equal(running.begin(), running.end(), fresh.begin(), fresh.end(),
                    [](const Listen& one, const Listen& other) { return one.url == other.url; });
}

bool same_listeners(const Config& running, const Config& fresh) {
  return same_urls(running.listen, fresh.listen) && same_urls(running.admin, fresh.admin) &&
         running.proxy_protocol == fresh.proxy_protocol;
}

std::string certificates_text(const Tls& tls) {
  Config config;
  config.tls.certificates = tls.certificates;
  return to_json(config);
}

}  // namespace

Result<Adoption> adopt(Config& running, const Config& fresh) {
  if (names_of(running.apps) != names_of(fresh.apps)) {
    return fail("it has other apps than those that run; that needs a restart");
  }
  Adoption adoption;
  const bool listeners_stay = same_listeners(running, fresh);
  std::set<std::string> names;
  for (const auto& [name, value] : running.values) names.insert(name);
  for (const auto& [name, value] : fresh.values) names.insert(name);
  for (const std::string& name : names) {
    if (value_of(running, name) == value_of(fresh, name)) continue;
    const AdoptableRow* row = find_adoptable(name);
    if (row != nullptr && row->fits_listeners && !listeners_stay) row = nullptr;
    (row != nullptr ? adoption.adopted : adoption.at_restart).push_back(name);
    if (row == nullptr) continue;
    row->take(running, fresh);
    take_word(running, fresh, name);
  }
  if (places_text(running.routes) != places_text(fresh.routes)) {
    adoption.at_restart.emplace_back("max_concurrent and max_waiting of routes");
  }
  if (routes_text(running.routes) != routes_text(fresh.routes)) {
    adoption.adopted.emplace_back("routes");
    running.routes = fresh.routes;
  }
  if (certificates_text(running.tls) != certificates_text(fresh.tls)) {
    (listeners_stay ? adoption.adopted : adoption.at_restart).emplace_back("tls.certificate");
    if (listeners_stay) running.tls.certificates = fresh.tls.certificates;
  }
  return adoption;
}

}  // namespace labcoat::config
