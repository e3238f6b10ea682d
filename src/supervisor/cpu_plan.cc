#include "supervisor/cpu_plan.h"

#include <algorithm>
#include <sched.h>

namespace labcoat::supervisor {

std::vector<int> allowed_cpus() {
  std::vector<int> cpus;
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(static_cast<size_t>(cpu), &set)) cpus.push_back(cpu);
  }
  return cpus;
}

std::vector<int> edge_cpus(const config::Config& config, const std::vector<int>& allowed) {
  const bool split = std::any_of(config.apps.begin(), config.apps.end(),
                                 [](const auto& app) { return app.cpu_affinity == "split"; });
  if (!split || allowed.size() < 2) return {};
  return {allowed[0]};
}

std::vector<int> worker_cpus(const config::App& app, int place, const std::vector<int>& allowed) {
  if (app.cpu_affinity == "off" || allowed.empty()) return {};
  const size_t first = app.cpu_affinity == "split" && allowed.size() > 1 ? 1 : 0;
  return {allowed[first + static_cast<size_t>(place) % (allowed.size() - first)]};
}

}  // namespace labcoat::supervisor
