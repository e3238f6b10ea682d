#include "logs/ending_logs.h"

#include <utility>

namespace labcoat::logs {

void EndingLogs::take(std::unique_ptr<AccessLog> log) {
  log->finish();
  const std::lock_guard lock(mutex_);
  logs_.push_back(std::move(log));
}

void EndingLogs::sweep() {
  const std::lock_guard lock(mutex_);
  std::erase_if(logs_, [](const auto& log) { return log->has_ended(); });
}

}  // namespace labcoat::logs
