// Router: which route answers a path. Built once from the config, then read by all edge threads.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/config.h"

namespace labcoat::edge {

struct Route {
  int index = 0;       // of Router::name()
  std::string prefix;  // "/static/" of "/static/*", or the exact path
  bool exact = false;
  Fd files;                // the root directory, opened; or none
  std::string files_path;  // for messages
  int app = -1;            // index into Config::apps; -1: files
};

class Router {
 public:
  // Opens the directories of file routes. Errors name the route.
  static Result<Router> build(const config::Config& config);

  // The route in a few words, for logs and metrics.
  std::string_view name(int index) const { return names_[static_cast<size_t>(index)]; }
  size_t size() const { return names_.size(); }

  // The first route that matches the normalised path, or nullptr.
  const Route* match(std::string_view path) const;

 private:
  std::vector<Route> routes_;
  std::vector<std::string> names_;
};

}  // namespace labcoat::edge
