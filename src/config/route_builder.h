// A route of the file or of --static, checked, as the edge will have it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/route.h"
#include "config/settings.h"

namespace labcoat::config {

// Every value by itself, then what must fit together. Not whether the app exists. Relative paths
// begin in `directory`. Errors: "labcoat.toml:12: route.path: …".
Result<Route> build_route(const RouteTable& table, const std::string& directory);

// Gives the routes without a name one of their own ("example.org/static/*"), and sees that no two
// have the same.
Status name_routes(std::vector<Route>& routes);

}  // namespace labcoat::config
