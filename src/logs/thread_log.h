// ThreadLog: one edge thread's part of the logs. A request's line goes by the rules that were in
// force when its head was read: their format, and their logs.
#pragma once

#include <memory>
#include <vector>

#include "logs/log_clock.h"
#include "logs/log_line.h"
#include "logs/log_rules.h"

namespace labcoat::logs {

class ThreadLog {
 public:
  // No rules: nothing is logged.
  ThreadLog(std::shared_ptr<const LogRules> rules, int thread);

  bool is_on() const { return on_; }
  // For requests that begin from now on.
  void adopt(std::shared_ptr<const LogRules> rules);

  // A request's head has been read, while it is on. The notes are given back with its line.
  std::unique_ptr<LogNotes> note(const http::RequestHead& head);
  // Without notes, for a request that could not be read: only while it is on.
  void write(const LogFacts& facts, std::unique_ptr<LogNotes> notes);
  // What was written since the last time goes on its way. Lines wait for the end of a turn of the
  // event loop, so that what they share is taken once for all of them.
  void hand_over();

 private:
  // What idle connections share instead of each keeping its own.
  static constexpr size_t spare_notes_max = 64;
  static constexpr size_t spare_bytes_max = 4096;

  // Beyond that lines do not wait.
  static constexpr size_t waiting_bytes_max = 16 * 1024;

  bool belongs_into_access_log(const LogRules& rules, const LogFacts& facts);
  void write_by_earlier_rules(const LogFacts& facts, const LogNotes& notes);

  std::shared_ptr<const LogRules> rules_;
  bool on_ = false;
  const int thread_;
  LogClock clock_;
  int unsampled_ = 0;
  LogLines access_lines_, slow_lines_;
  std::vector<std::unique_ptr<LogNotes>> spare_;  // of the rules in force
};

}  // namespace labcoat::logs
