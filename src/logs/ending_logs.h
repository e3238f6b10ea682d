// EndingLogs: logs that nobody gives lines to any more, until what they hold has been written. So
// whoever lets go of a log last does not wait for its sink.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "logs/access_log.h"

namespace labcoat::logs {

// Thread-safe. At its own end it waits for those that are left.
class EndingLogs {
 public:
  void take(std::unique_ptr<AccessLog> log);
  // Lets go of those that have ended.
  void sweep();

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<AccessLog>> logs_;
};

}  // namespace labcoat::logs
