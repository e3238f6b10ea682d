#include "routes/router.h"

#include <algorithm>
#include <fcntl.h>

#include "base/text.h"

namespace labcoat::routes {
namespace {

constexpr i64 error_page_bytes_max = i64{1} << 20;

Status read_error_pages(const config::Route& from, const http::MimeTypes& types, Route& route) {
  for (const auto& [status, path] : from.error_pages) {
    auto body = read_file(path, error_page_bytes_max);
    if (!body) return fail("route " + from.name + ": error_pages: " + body.error().text);
    const auto number = parse_int(status);
    if (!number) return fail("route " + from.name + ": error_pages: " + number.error().text);
    route.error_pages[static_cast<int>(*number)] = {std::move(*body), std::string(types.of(path))};
  }
  return {};
}

Status set_files(const std::string& directory, Route& route) {
  const config::Route& from = route.config;
  route.kind = Route::Kind::files;
  route.files = Fd(::open(directory.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!route.files) return fail_errno("route " + from.name + ": cannot open " + directory);
  route.files_path = directory;
  route.file_rules = file_rules_of(from);
  return {};
}

// Where an app may name files by their path. As of a file route that says nothing but its
// directory, so that a name is that very file.
Status open_roots(Route& route) {
  for (const std::string& directory : route.config.sendfile) {
    auto root = std::make_unique<Route>();
    root->config.name = route.config.name;
    root->paths.push_back(http::Pattern::of_path("/*"));
    if (const Status opened = set_files(directory, *root); !opened) return opened;
    root->file_rules.index.clear();
    while (root->files_path.ends_with('/')) root->files_path.pop_back();
    route.sendfile.push_back(std::move(root));
  }
  return {};
}

channel::Priority priority_of(std::string_view word) {
  return word == "high"  ? channel::Priority::high
         : word == "low" ? channel::Priority::low
                         : channel::Priority::normal;
}

Status set_answer(const config::Config& config, Route& route) {
  const config::Route& from = route.config;
  if (!from.files.empty()) {
    return set_files(from.files, route);
  } else if (!from.app.empty()) {
    route.kind = Route::Kind::app;
    route.compress = CompressRules(from);
    route.priority = priority_of(from.priority);
    for (size_t i = 0; i < config.apps.size(); ++i) {
      if (config.apps[i].name == from.app) route.app = static_cast<int>(i);
    }
    if (route.app < 0) return fail("route " + from.name + ": there is no app named " + from.app);
    return open_roots(route);
  } else if (!from.redirect.empty()) {
    route.kind = Route::Kind::redirect;
    route.redirect = RouteTemplate(from.redirect);
  } else {
    route.text = from.answer;
  }
  return {};
}

Result<std::unique_ptr<Route>> make_route(const config::Config& config, const config::Route& from,
                                          const http::MimeTypes& types) {
  auto route = std::make_unique<Route>();
  route->config = from;
  for (const std::string& path : from.path) route->paths.push_back(http::Pattern::of_path(path));
  route->methods = from.method;
  for (const auto& [name, value] : from.header) {
    route->fields.push_back({name, http::Pattern::of_value(value)});
  }
  route->absent_fields = from.without_header;
  route->scheme = from.scheme.empty()     ? Route::Scheme::any
                  : from.scheme == "http" ? Route::Scheme::http
                                          : Route::Scheme::https;
  route->rewrite = RouteTemplate(from.rewrite);
  route->response_changes = {from.remove_header, from.set_header, from.add_header};
  route->request_changes = {from.remove_request_header, from.set_request_header, {}};
  Status status = set_answer(config, *route);
  if (status) status = read_error_pages(from, types, *route);
  if (!status) return tl::unexpected(status.error());
  return route;
}

}  // namespace

Result<Router> Router::build(const config::Config& config, const http::MimeTypes& types) {
  Router router;
  for (const config::Route& from : config.routes) {
    auto route = make_route(config, from, types);
    if (!route) return tl::unexpected(route.error());
    (*route)->index = static_cast<int>(router.routes_.size());
    router.routes_.push_back(std::move(*route));
  }
  router.unknown_host_status_ = config.unknown_host;
  router.make_lanes();
  return router;
}

// A request looks at the lane of its host, or of the nearest "*." above it, or of no host. Each
// lane has all routes that could be for such a host.
void Router::make_lanes() {
  for (const auto& route : routes_) {
    if (route->config.internal) {
      internal_.push_back(route.get());
      continue;
    }
    if (route->config.host.empty()) any_host_.push_back(route.get());
    for (const std::string& host : route->config.host) {
      if (host.starts_with("*.")) {
        parents_[host.substr(2)];
      } else {
        hosts_[host];
      }
    }
  }
  const auto fill = [&](std::string_view host, Lane& lane) {
    for (const auto& route : routes_) {
      if (route->config.internal) continue;
      const auto& patterns = route->config.host;
      const bool fits = patterns.empty() || std::any_of(patterns.begin(), patterns.end(),
                                                        [&](const std::string& pattern) {
                                                          return host_matches(pattern, host);
                                                        });
      if (fits) lane.push_back(route.get());
    }
  };
  for (auto& [host, lane] : hosts_) fill(host, lane);
  // Some name below it that no other route names.
  for (auto& [parent, lane] : parents_) fill("\1." + parent, lane);
  if (!any_host_.empty() && hosts_.empty() && parents_.empty() &&
      any_host_[0]->is_for_everything()) {
    for_everything_ = any_host_[0];
  }
}

const Route* Router::search(const RouteQuery& query) const {
  const bool by_host = !hosts_.empty() || !parents_.empty();
  const Lane& lane = by_host ? lane_of(host_of(query)) : any_host_;
  for (const Route* route : lane) {
    if (route->mismatch_at_host(query) == Mismatch::none) return route;
  }
  return nullptr;
}

void Router::find_places(const std::vector<config::Route>& at_start) {
  for (const auto& route : routes_) {
    for (size_t i = 0; i < at_start.size(); ++i) {
      const bool same =
          at_start[i].name == route->config.name && at_start[i].app == route->config.app;
      if (same) route->places = static_cast<int>(i);
    }
  }
}

std::vector<std::string> Router::names() const {
  std::vector<std::string> names;
  names.reserve(routes_.size());
  for (const auto& route : routes_) names.push_back(route->config.name);
  return names;
}

const Route* Router::match_internal(const RouteQuery& query) const {
  for (const Route* route : internal_) {
    if (route->mismatch(query) == Mismatch::none) return route;
  }
  return nullptr;
}

const Router::Lane& Router::lane_of(std::string_view host) const {
  if (const auto found = hosts_.find(host); found != hosts_.end()) return found->second;
  if (parents_.empty()) return any_host_;
  for (size_t dot = host.find('.'); dot != host.npos; dot = host.find('.', dot + 1)) {
    const auto found = parents_.find(host.substr(dot + 1));
    if (dot > 0 && found != parents_.end()) return found->second;
  }
  return any_host_;
}

Router::Nobody Router::nobody(const RouteQuery& query) const {
  Nobody answer;
  bool has_hosts = false, knows_host = false;
  for (const auto& route : routes_) {
    if (route->config.internal) continue;
    const Mismatch why = route->mismatch(query);
    // A route for every host, of a health check say, makes no host known.
    const bool is_named = !route->config.host.empty();
    has_hosts |= is_named;
    knows_host |= is_named && why != Mismatch::host;
    if (why != Mismatch::method) continue;
    for (const std::string& method : route->methods) {
      if (!answer.allow.empty()) answer.allow += ", ";
      answer.allow += method;
      if (method == "GET") answer.allow += ", HEAD";
    }
  }
  if (has_hosts && !knows_host) answer.status = unknown_host_status_;
  if (!answer.allow.empty()) answer.status = 405;
  return answer;
}

// FNV-1a of the lower-case letters.
size_t Router::SameHost::operator()(std::string_view host) const {
  u64 hash = 14695981039346656037u;
  for (const char c : host) {
    const bool capital = c >= 'A' && c <= 'Z';
    hash = (hash ^ static_cast<unsigned char>(capital ? c | 0x20 : c)) * 1099511628211u;
  }
  return hash;
}

bool Router::SameHost::operator()(std::string_view a, std::string_view b) const {
  return http::same_name(a, b);
}

}  // namespace labcoat::routes
