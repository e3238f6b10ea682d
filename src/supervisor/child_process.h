// Starting a child from the supervisor, so that it cannot outlive it, and saying in words how it
// ended.
#pragma once

#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace labcoat::supervisor {

// What to run. The supervisor knows its children only as this.
struct Command {
  std::vector<std::string>
      argv;  // argv[0] is a path; one more word, the control socket's number, is added
  std::vector<std::string> environment;  // NAME=value; all of it
};

struct SpawnOptions {
  int inherited_fd =
      -1;  // stays open in the child, under the same number; everything else is closed
  std::vector<int> cpus = {};  // bound to these; empty: wherever we may run
};

// The child has a process group of its own (a terminal's ^C is for the supervisor to interpret),
// default signals, /dev/null as standard input, and gets SIGKILL when this process dies. An error
// is that of fork or exec.
Result<pid_t> spawn(const Command& command, const SpawnOptions& options);

// "exited with status 3", "was killed by SIGSEGV"; of a status from waitpid.
std::string describe_exit(int status);

}  // namespace labcoat::supervisor
