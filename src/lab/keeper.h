// Keeper stands between the laboratory and a server it started. The keeper is a process of its own
// that outlives a killed laboratory just long enough to kill the server and everything the server
// started: no trial leaves a process behind.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace labcoat {

struct Command {
  std::vector<std::string> argv;                                 // argv[0] is looked for on PATH
  std::string directory;                                         // to run in
  std::vector<std::pair<std::string, std::string>> environment;  // on top of this process's own
  std::string output_path;                                       // stdout and stderr go here
};

// One running command with its keeper. Not thread-safe.
class Keeper {
 public:
  // Errors: no such program, no such directory, not executable, out of processes.
  static Result<std::unique_ptr<Keeper>> start(const Command& command);
  // Kills whatever still runs.
  ~Keeper();
  Keeper(const Keeper&) = delete;
  Keeper& operator=(const Keeper&) = delete;

  pid_t server_pid() const { return server_pid_; }
  // Sends a signal to the server's main process; nothing happens once that has ended.
  void send_signal(int signal);
  // Waits at most so long for the main process to end; its wait status, or nullopt while it runs.
  std::optional<int> wait_exit(i64 timeout_ns);
  // Ends the main process and every descendant with SIGKILL, and returns when none is left.
  void kill_all();

 private:
  Keeper() = default;

  pid_t keeper_pid_ = -1;
  pid_t server_pid_ = -1;
  Fd control_;  // to the keeper: signal numbers; its end of file means "kill all"
  Fd reports_;  // from the keeper: one Report when started, one when ended
  std::optional<int> exit_status_;
};

// "exit code 1", "signal 9 (Killed)"
std::string describe_exit(int wait_status);

}  // namespace labcoat
