// Recent times as JSON: the same words in /status and in `labcoat status --json`.
#pragma once

#include <nlohmann/json.hpp>

#include "channel/recent_times.h"

namespace labcoat::channel {

inline void to_json(nlohmann::json& json, const Percentiles& times) {
  json = {{"count", times.count}, {"p50", nullptr}, {"p90", nullptr}, {"p99", nullptr}};
  if (times.count == 0) return;
  json["p50"] = times.p50_us;
  json["p90"] = times.p90_us;
  json["p99"] = times.p99_us;
}

inline void to_json(nlohmann::json& json, const RecentTimes& times) {
  json = {{"window_s", static_cast<double>(times.window_ns) / 1e9},
          {"response_us", times.response},
          {"queue_wait_us", times.queue_wait}};
}

}  // namespace labcoat::channel
