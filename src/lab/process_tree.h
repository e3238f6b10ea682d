// What a server and everything it started uses, read from /proc.
#pragma once

#include <sys/types.h>

#include "base/clock.h"

namespace labcoat {

struct TreeUse {
  int processes = 0;
  i64 cpu_ns = 0;  // user and system, of the living and of those already reaped by them; clock-tick
                   // resolution
  i64 memory_bytes = 0;  // resident, shared pages counted by share (PSS); 0 when not readable
};

// All zero when the process is gone. `with_memory` costs about a millisecond a process.
TreeUse process_tree_use(pid_t root, bool with_memory);

// CPU time that everything on this machine has used since it started, ours included.
i64 machine_cpu_ns();

}  // namespace labcoat
