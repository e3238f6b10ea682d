// AccessLog: lines on their way to a file, to standard output, or by syslog over UDP. They are
// collected by each edge thread and written by a thread of the log's own, so that a slow sink never
// holds up a request; when it cannot keep up, lines are dropped and counted.
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

namespace labcoat::logs {

class AccessLog {
 public:
  static constexpr size_t buffered_bytes_max =
      1 << 20;  // per edge thread; beyond that lines are dropped
  static constexpr size_t write_at_bytes = 64 * 1024;  // wakes the writer early
  static constexpr int gather_ms = 200;                // lines wait for others at most so long

  struct Options {
    std::string target;               // "-" (stdout), a path, or syslog+udp://HOST:PORT
    std::string name = "access log";  // for messages
    bool sync = false;                // what is given is written by the edge thread itself, at once
    int threads = 1;
    // Lines that were not written: the sink was slow, or full, or gone.
    std::shared_ptr<std::atomic<u64>> dropped = std::make_shared<std::atomic<u64>>(0);
  };

  static Result<std::unique_ptr<AccessLog>> open(Options options);
  // What it holds is written first.
  ~AccessLog();

  // From edge thread `thread`: whole lines.
  void write(int thread, std::string_view lines);
  // From any thread: opens the file by its name (USR1 after logrotate), which takes the place of
  // the old one even when that is stuck. An error, and the old one stays.
  Status reopen();
  bool is(const std::string& target, bool sync) const {
    return options_.target == target && options_.sync == sync;
  }
  // Nobody writes any more. What it holds is on its way, which is not waited for; then its file is
  // closed, and it has ended.
  void finish();
  bool has_ended() const { return ended_; }

 private:
  struct Buffer {
    std::mutex mutex;
    std::string lines;
  };

  struct Sink {
    Fd fd;
    bool is_file = false;      // takes everything at once; others are asked first, and in pieces
    bool broken_line = false;  // the last thing written was a part of a line
    i64 ready_ns = 0;          // when it was last ready for more; of others
  };

  AccessLog(Options options, Fd fd);
  void run_writer();
  void close_sink();
  bool holds_lines();
  void wait_for_lines();
  void write_out(std::string_view lines);
  void write_as_stream(std::string_view lines);
  bool may_wait() const;
  bool is_ready_for_more();
  void drop(std::string_view lines);
  void send_as_syslog(std::string_view lines);
  void adopt(Fd fd);
  void adopt_reopened();

  const Options options_;
  const bool syslog_;
  std::mutex sink_mutex_;
  Sink sink_;
  std::mutex reopened_mutex_;
  Fd reopened_;  // takes the sink's place before the next line
  std::atomic<bool> has_reopened_ = false;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  std::atomic<bool> is_idle_ = false;  // the writer waits for the first line
  bool any_ = false;                   // there are lines, or another file
  bool enough_ = false;                // so many that they should be written at once
  i64 stopped_ns_ = 0;                 // when it was told to stop; set before it is
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::thread writer_;
};

}  // namespace labcoat::logs
