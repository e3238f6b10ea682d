#include "supervisor/process_memory.h"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "base/fd.h"

namespace labcoat::supervisor {
namespace {

using Text = std::array<char, 4096>;  // both files are shorter

// /proc/PID/name as a string; false when it cannot be read.
bool read_proc(pid_t pid, const char* name, Text& out) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  const Fd file(open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return false;
  const ssize_t got = read(file.get(), out.data(), out.size() - 1);
  if (got <= 0) return false;
  out[static_cast<size_t>(got)] = '\0';
  return true;
}

}  // namespace

i64 resident_bytes(pid_t pid) {
  Text text;
  if (!read_proc(pid, "statm", text)) return -1;
  char* second = nullptr;
  std::strtoll(text.data(), &second, 10);  // the first number is the size of the address space
  return std::strtoll(second, nullptr, 10) * sysconf(_SC_PAGESIZE);
}

i64 proportional_bytes(pid_t pid) {
  Text text;
  if (!read_proc(pid, "smaps_rollup", text)) return resident_bytes(pid);
  const char* line = std::strstr(text.data(), "\nPss:");
  if (line == nullptr) return resident_bytes(pid);
  return std::strtoll(line + std::strlen("\nPss:"), nullptr, 10) * 1024;
}

}  // namespace labcoat::supervisor
