#include "edge/router.h"

#include <fcntl.h>

namespace labcoat::edge {

Result<Router> Router::build(const config::Config& config) {
  Router router;
  for (const config::Route& from : config.routes) {
    const std::string& path = from.path.front();
    Route route;
    route.exact = !path.ends_with('*');
    route.prefix = route.exact ? path : path.substr(0, path.size() - 1);
    if (!from.files.empty()) {
      route.files = Fd(::open(from.files.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!route.files) return fail_errno("route " + from.name + ": cannot open " + from.files);
      route.files_path = from.files;
    }
    for (size_t i = 0; i < config.apps.size(); ++i) {
      if (!from.app.empty() && config.apps[i].name == from.app) route.app = static_cast<int>(i);
    }
    if (!from.app.empty() && route.app < 0) {
      return fail("route " + from.name + ": there is no app named " + from.app);
    }
    route.index = static_cast<int>(router.routes_.size());
    router.names_.push_back(from.name);
    router.routes_.push_back(std::move(route));
  }
  return router;
}

const Route* Router::match(std::string_view path) const {
  for (const Route& route : routes_) {
    if (route.exact ? path == route.prefix : path.starts_with(route.prefix)) return &route;
  }
  return nullptr;
}

}  // namespace labcoat::edge
