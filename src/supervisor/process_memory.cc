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

// "name 123 kB"; -1: there is no such line.
i64 rollup_bytes(const Text& text, const char* name) {
  const char* const line = std::strstr(text.data(), name);
  return line == nullptr ? -1 : std::strtoll(line + std::strlen(name), nullptr, 10) * 1024;
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
  const i64 bytes = rollup_bytes(text, "\nPss:");
  return bytes < 0 ? resident_bytes(pid) : bytes;
}

i64 private_bytes(pid_t pid) {
  Text text;
  if (!read_proc(pid, "smaps_rollup", text)) return resident_bytes(pid);
  const i64 clean = rollup_bytes(text, "\nPrivate_Clean:");
  const i64 dirty = rollup_bytes(text, "\nPrivate_Dirty:");
  return clean < 0 || dirty < 0 ? resident_bytes(pid) : clean + dirty;
}

}  // namespace labcoat::supervisor
