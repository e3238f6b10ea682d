// RequestLog: the logs of requests while the edge runs: the rules in force, what takes their place
// when the configuration changes, and what is counted of all logs there have been.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "logs/ending_logs.h"
#include "logs/log_rules.h"

namespace labcoat::logs {

// Of the control thread; what is counted may be read by any.
class RequestLog {
 public:
  // Errors name the file or address.
  static Result<std::unique_ptr<RequestLog>> open(const config::Config& config);

  // Opens what this configuration names and is not open. An error, and nothing has changed. What is
  // not named any more ends when nobody holds rules with it: its lines are written.
  Status adopt(const config::Config& config);
  const std::shared_ptr<const LogRules>& rules() const { return rules_; }

  // Opens files by their names. What cannot be opened is said in the program's own log and counted;
  // what was open goes on being written.
  void reopen();

  // Times that a log could not be opened, also by adopt().
  u64 open_failed() const { return open_failed_.load(std::memory_order_relaxed); }
  // Lines that were not written.
  u64 dropped() const { return dropped_->load(std::memory_order_relaxed); }

 private:
  explicit RequestLog(int threads) : threads_(threads) {}
  Result<std::shared_ptr<AccessLog>> open_one(const std::string& target, const char* name,
                                              bool sync);

  const int threads_;
  // Shared with the logs, which may outlive it by what holds them.
  const std::shared_ptr<std::atomic<u64>> dropped_ = std::make_shared<std::atomic<u64>>(0);
  const std::shared_ptr<EndingLogs> ending_ = std::make_shared<EndingLogs>();
  std::vector<std::weak_ptr<AccessLog>> open_;  // those of earlier rules, too
  std::shared_ptr<const LogRules> rules_;
  std::atomic<u64> open_failed_ = 0;
};

}  // namespace labcoat::logs
