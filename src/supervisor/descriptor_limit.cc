#include "supervisor/descriptor_limit.h"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

namespace labcoat::supervisor {
namespace {

constexpr int connections_min = 64;  // with fewer there is no point in serving

}  // namespace

int descriptors_besides_connections(const config::Config& config) {
  int count = 128;  // logs, static files being sent, the program itself
  count += static_cast<int>(config.listen.size() + config.admin.size());
  for (const config::App& app : config.apps) {
    // While workers are replaced there are twice as many, each with a socket and a doorbell a
    // thread.
    count += 2 * app.workers * (1 + app.threads) + config.edge_threads + 2;
  }
  return count;
}

Status raise_descriptor_limit(config::Config& config) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
    return fail_errno("cannot read the limit of open files");
  if (limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    // A hard limit above fs.nr_open cannot be reached; then what we have must do.
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) getrlimit(RLIMIT_NOFILE, &limit);
  }
  const i64 have = static_cast<i64>(std::min<rlim_t>(limit.rlim_cur, 1 << 30));
  const i64 others = descriptors_besides_connections(config);
  const i64 need = config.limits.connections + others;
  if (have >= need) return {};
  const std::string& source = config.sources["limits.connections"];
  if ((source.empty() || source == "default") && have >= connections_min + others) {
    spdlog::info("the limit of open files is {}: serving at most {} connections instead of {}",
                 have, have - others, config.limits.connections);
    config.limits.connections = static_cast<int>(have - others);
    return {};
  }
  return fail(
      fmt::format("the limit of open files is {}, but {} connections need {}; raise it "
                  "(ulimit -n {}, or LimitNOFILE= of the systemd unit) or lower "
                  "limits.connections",
                  have, config.limits.connections, need, need));
}

}  // namespace labcoat::supervisor
