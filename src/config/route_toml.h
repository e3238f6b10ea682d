// [[route]] and [[site]] of a TOML file, as one list of routes in the order of the file.
#pragma once

#include <string>
#include <toml++/toml.h>
#include <vector>

#include "base/result.h"
#include "config/settings.h"

namespace labcoat::config {

// `file` is its name as the user knows it. A site is a table of hosts with routes of its own: each
// [[site.route]] is a route for the site's hosts, and what the site itself says of files, app, …
// is its last route, for every path. Types of values and unknown keys are judged here, values in
// build_route (route_builder.h).
Result<std::vector<RouteTable>> read_route_tables(const std::string& file, const toml::table& root);

}  // namespace labcoat::config
