// Which CPUs the edge and the workers are bound to (option cpu_affinity).
#pragma once

#include <vector>

#include "config/config.h"

namespace labcoat::supervisor {

// CPUs this process may run on, ascending.
std::vector<int> allowed_cpus();

// Empty: not bound.
std::vector<int> edge_cpus(const config::Config& config, const std::vector<int>& allowed);
// `place` counts an app's workers from 0.
std::vector<int> worker_cpus(const config::App& app, int place, const std::vector<int>& allowed);

}  // namespace labcoat::supervisor
