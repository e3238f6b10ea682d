// RequestLog: which answered requests get a line in which log. One format for both of them: the
// access log, and the log of slow requests.
#pragma once

#include <atomic>
#include <memory>

#include "config/config.h"
#include "logs/access_log.h"
#include "logs/log_line.h"

namespace labcoat::logs {

// Shared by all edge threads; but for reopen() and what is counted nothing changes in it.
class RequestLog {
 public:
  // Null when nothing is to be logged. Errors name the file or address.
  static Result<std::unique_ptr<RequestLog>> open(const config::Config& config);

  // Opens files by their names. What cannot be opened is said in the program's own log and counted;
  // what was open goes on being written.
  void reopen();
  u64 reopen_failed() const { return reopen_failed_.load(std::memory_order_relaxed); }
  u64 dropped() const;

 private:
  friend class ThreadLog;
  explicit RequestLog(const config::Config& config);

  const LineFormat format_;
  const int status_min_;  // of the access log
  const int sample_;      // one of so many lines, but for errors of ours
  const bool sync_;
  const i64 slow_us_;
  std::unique_ptr<AccessLog> access_;  // or none
  std::unique_ptr<AccessLog> slow_;    // or none
  std::atomic<u64> reopen_failed_ = 0;
};

// One edge thread's part of it.
class ThreadLog {
 public:
  ThreadLog(RequestLog& log, int thread) : log_(log), thread_(thread) {}

  // A request's head has been read. The notes are given back with its line.
  std::unique_ptr<LogNotes> note(const http::RequestHead& head);
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

  bool belongs_into_access_log(const LogFacts& facts);

  RequestLog& log_;
  const int thread_;
  LogClock clock_;
  int unsampled_ = 0;
  LogLines access_lines_, slow_lines_;
  std::vector<std::unique_ptr<LogNotes>> spare_;
};

}  // namespace labcoat::logs
