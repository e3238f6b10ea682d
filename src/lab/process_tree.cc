#include "lab/process_tree.h"

#include <cstdio>
#include <cstdlib>
#include <dirent.h>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <unistd.h>

namespace labcoat {
namespace {

struct ProcessStat {
  pid_t parent = 0;
  i64 ticks = 0;
};

// Fields 4 (ppid) and 14 to 17 (utime, stime, cutime, cstime) of /proc/PID/stat; the name in field
// 2 may hold anything, so counting starts behind its last parenthesis.
bool read_stat(pid_t pid, ProcessStat& out) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  std::string line;
  if (!std::getline(file, line)) return false;
  const size_t close = line.rfind(')');
  if (close == std::string::npos) return false;
  int parent = 0;
  unsigned long user = 0;
  unsigned long system = 0;
  long children_user = 0;
  long children_system = 0;
  if (std::sscanf(line.c_str() + close + 2,
                  "%*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld", &parent, &user,
                  &system, &children_user, &children_system) != 5) {
    return false;
  }
  out.parent = parent;
  out.ticks = static_cast<i64>(user + system) + children_user + children_system;
  return true;
}

i64 memory_of(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/smaps_rollup", pid));
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with("Pss:")) return std::atoll(line.c_str() + 4) * 1024;
  }
  return 0;
}

std::map<pid_t, ProcessStat> all_processes() {
  std::map<pid_t, ProcessStat> out;
  DIR* folder = opendir("/proc");
  if (folder == nullptr) return out;
  while (const dirent* entry = readdir(folder)) {
    const pid_t pid = std::atoi(entry->d_name);
    ProcessStat stat;
    if (pid > 0 && read_stat(pid, stat)) out.emplace(pid, stat);
  }
  closedir(folder);
  return out;
}

}  // namespace

TreeUse process_tree_use(pid_t root, bool with_memory) {
  const std::map<pid_t, ProcessStat> all = all_processes();
  std::set<pid_t> tree;
  if (all.count(root) != 0) tree.insert(root);
  // Parents may come after their children in number; go round until nothing is added.
  for (size_t before = 0; before != tree.size();) {
    before = tree.size();
    for (const auto& [pid, stat] : all) {
      if (tree.count(stat.parent) != 0) tree.insert(pid);
    }
  }
  TreeUse use;
  i64 ticks = 0;
  for (pid_t pid : tree) {
    ++use.processes;
    ticks += all.at(pid).ticks;
    if (with_memory) use.memory_bytes += memory_of(pid);
  }
  use.cpu_ns = ticks * (seconds / sysconf(_SC_CLK_TCK));
  return use;
}

// First line of /proc/stat: user nice system idle iowait irq softirq steal, in clock ticks.
i64 machine_cpu_ns() {
  std::ifstream file("/proc/stat");
  std::string line;
  std::getline(file, line);
  long long user = 0, nice = 0, system = 0, irq = 0, softirq = 0, steal = 0;
  if (std::sscanf(line.c_str(), "cpu %lld %lld %lld %*d %*d %lld %lld %lld", &user, &nice, &system,
                  &irq, &softirq, &steal) != 6) {
    return 0;
  }
  return (user + nice + system + irq + softirq + steal) * (seconds / sysconf(_SC_CLK_TCK));
}

}  // namespace labcoat
