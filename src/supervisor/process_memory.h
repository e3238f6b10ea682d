// What a process costs in memory, as the kernel tells it.
#pragma once

#include <sys/types.h>

#include "base/clock.h"

namespace labcoat::supervisor {

// Resident pages, those it shares with others included (/proc/PID/statm). Cheap: no page table is
// walked. -1: the process is gone.
i64 resident_bytes(pid_t pid);

// The same with shared pages divided among those who share them (Pss of /proc/PID/smaps_rollup):
// what would be free if it went. Never more than resident_bytes(), which it falls back to when the
// kernel does not let us look. It walks the page table: about a millisecond for 300 MiB.
i64 proportional_bytes(pid_t pid);

// What no other process has (Private_* of smaps_rollup): what is free when it goes. As
// proportional_bytes() in everything else.
i64 private_bytes(pid_t pid);

}  // namespace labcoat::supervisor
