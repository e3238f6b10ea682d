// Router: which route answers a request. Built once from the config, then read by all edge threads.
// Matching allocates nothing; with a single route for everything it is one comparison.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "http/mime.h"
#include "routes/route.h"

namespace labcoat::routes {

class Router {
 public:
  // Opens the directories of file routes, and reads error pages. Errors name the route.
  static Result<Router> build(const config::Config& config, const http::MimeTypes& types);

  // The first route that matches, or nullptr.
  const Route* match(const RouteQuery& query) const {
    if (for_everything_ != nullptr) return for_everything_;
    return search(query);
  }

  // Of the routes that only an app leads to.
  bool has_internal() const { return !internal_.empty(); }
  const Route* match_internal(const RouteQuery& query) const;

  // What to answer when none does: 421 (or what the configuration says) for a host that no route
  // names, 405 when only the method is wrong, else 404.
  struct Nobody {
    int status = 404;
    std::string allow;  // of 405: "GET, HEAD"
  };
  Nobody nobody(const RouteQuery& query) const;

  size_t size() const { return routes_.size(); }
  std::vector<std::string> names() const;
  // Each route has the places of that one of `at_start` which has its name.
  void find_places(const std::vector<config::Route>& at_start);
  const Route& route(size_t index) const { return *routes_[index]; }
  // The route in a few words, for logs and metrics.
  std::string_view name(int index) const { return route(static_cast<size_t>(index)).config.name; }

 private:
  // The routes that may be for a host, in their order.
  using Lane = std::vector<const Route*>;
  struct SameHost {
    using is_transparent = void;
    size_t operator()(std::string_view host) const;
    bool operator()(std::string_view a, std::string_view b) const;
  };
  using Lanes = std::unordered_map<std::string, Lane, SameHost, SameHost>;

  const Route* search(const RouteQuery& query) const;
  const Lane& lane_of(std::string_view host) const;
  void make_lanes();

  std::vector<std::unique_ptr<Route>> routes_;
  const Route* for_everything_ = nullptr;  // no other route is ever reached
  Lane any_host_;
  Lane internal_;
  Lanes hosts_;
  Lanes parents_;  // of "*.example.org": "example.org"
  int unknown_host_status_ = 421;
};

}  // namespace labcoat::routes
