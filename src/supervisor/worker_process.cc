#include "supervisor/worker_process.h"

#include <csignal>
#include <fmt/format.h>

namespace labcoat::supervisor {

void WorkerProcess::stop(int signal_number, i64 kill_at) {
  const bool sooner = state != State::stopping || kill_at < kill_at_ns;
  if (sooner) kill_at_ns = kill_at;
  state = State::stopping;
  if (pid != 0) kill(pid, signal_number);
}

const char* WorkerProcess::state_name() const {
  switch (state) {
    case State::forking:
    case State::starting:
      return "starting";
    case State::ready:
      return retiring ? "retiring" : "ready";
    case State::stopping:
      return "stopping";
  }
  return "";
}

std::string WorkerProcess::name(const std::string& app) const {
  return fmt::format("worker {} of app '{}' (pid {})", number, app, pid);
}

}  // namespace labcoat::supervisor
