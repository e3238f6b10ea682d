// What a server takes over from a configuration file that has changed while it runs (HUP, `labcoat
// reload`), and what it does not: that is told by name, and waits for a restart.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace labcoat::config {

// Names of options as in the file, "limits.queue_wait"; and "routes" and the like.
struct Adoption {
  std::vector<std::string> adopted;
  std::vector<std::string> at_restart;
};

// Makes `running` of `fresh` what can be. An error, and nothing is changed: the apps are others.
Result<Adoption> adopt(Config& running, const Config& fresh);

}  // namespace labcoat::config
