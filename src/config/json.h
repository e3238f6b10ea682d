// Config as JSON: how the supervisor hands it to the edge, and what /status shows.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/config.h"

namespace labcoat::config {

std::string to_json(const Config& config);
Result<Config> from_json(std::string_view text);

}  // namespace labcoat::config
