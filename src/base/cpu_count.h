// How many CPUs this process may really use: the container's quota first, then the affinity mask.
#pragma once

#include <string>

namespace labcoat {

// cgroup v2 cpu.max of this process's group and every group above it, v1 cfs quota, then
// sched_getaffinity; rounded up, at least 1. `root` is where the file system starts, for tests.
int cpu_count(const std::string& root = "");

}  // namespace labcoat
