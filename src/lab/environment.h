// What a measurement depends on besides the program: recorded with every study, because a number
// without its machine is none.
#pragma once

#include "lab/record.h"

namespace labcoat {

// CPU, CPUs that may be used, memory, kernel, governor, load of the machine, and versions. Reads
// /proc and /sys only.
Environment read_environment(const std::string& program_version);

// Memory that can be had without swapping; 0 when unknown.
i64 memory_available_bytes();

}  // namespace labcoat
