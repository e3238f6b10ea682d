// AccessLog: one line per answered request, in the combined format with three fields more:
// microseconds in the queue, microseconds in all, and the request's id. Lines are collected by each
// edge thread and written by a thread of the log's own, so that a slow disk never holds up a
// request; when it cannot keep up, lines are dropped and counted.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace labcoat::edge {

class AccessLog {
 public:
  static constexpr size_t buffered_bytes_max =
      1 << 20;  // per edge thread; beyond that lines are dropped
  static constexpr size_t write_at_bytes = 64 * 1024;  // wakes the writer early

  struct Options {
    std::string target;  // "-" (stdout), a path, or syslog+udp://HOST:PORT
    bool sync = false;   // each line is written by the edge thread itself, at once
    int threads = 1;
  };

  static Result<std::unique_ptr<AccessLog>> open(Options options);
  ~AccessLog();

  // From edge thread `thread`. The line has its newline.
  void write(int thread, std::string_view line);
  // From any thread: closes and opens the file by its name (USR1 after logrotate).
  void reopen();
  u64 dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  struct Buffer {
    std::mutex mutex;
    std::string lines;
  };

  AccessLog(Options options, Fd file);
  void run_writer();
  void write_out(std::string_view lines);
  void write_to_file(std::string_view lines);
  void send_as_syslog(std::string_view lines);

  const Options options_;
  const bool syslog_;
  std::mutex file_mutex_;
  Fd file_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::atomic<u64> dropped_ = 0;
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool wanted_ = false;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace labcoat::edge
