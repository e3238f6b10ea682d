// The words after `labcoat serve` as Settings: flags first, then each --set.
#pragma once

#include "base/result.h"
#include "config/reader.h"
#include "config/settings.h"

namespace labcoat::config {

Result<Settings> read_command_line(const CommandLine& line, const Surroundings& surroundings);

}  // namespace labcoat::config
