// What /metrics and /status say of the edge's numbers: sums over all threads.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "edge/edge_thread.h"

namespace labcoat::edge {

using EdgeThreads = std::vector<std::unique_ptr<EdgeThread>>;

std::string metrics_text(const EdgeShared& shared, const EdgeThreads& threads);

// The same as JSON: counters by name, routes and apps.
nlohmann::json counters_json(const EdgeShared& shared, const EdgeThreads& threads);
nlohmann::json routes_json(const EdgeThreads& threads);
nlohmann::json app_json(const channel::EdgeChannel& channel, const LineShare& line);

}  // namespace labcoat::edge
