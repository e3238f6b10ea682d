#include "lab/environment.h"

#include <cstdlib>
#include <ctime>
#include <fmt/format.h>
#include <fstream>
#include <sys/utsname.h>

#include "base/cpu_count.h"
#include "base/text.h"

namespace labcoat {
namespace {

// The text behind "key" and its colon in a file of such lines.
std::string value_in_file(const char* path, std::string_view key) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with(key)) continue;
    const size_t colon = line.find(':');
    if (colon != std::string::npos)
      return std::string(trim(std::string_view(line).substr(colon + 1)));
  }
  return "";
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

i64 kib_in_meminfo(std::string_view key) {
  return std::atoll(value_in_file("/proc/meminfo", key).c_str()) * 1024;
}

std::string utc_time() {
  const time_t now = time(nullptr);
  tm parts;
  gmtime_r(&now, &parts);
  char text[32];
  strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S UTC", &parts);
  return text;
}

}  // namespace

i64 memory_available_bytes() {
  return kib_in_meminfo("MemAvailable");
}

Environment read_environment(const std::string& program_version) {
  Environment out;
  const auto add = [&](const char* name, std::string value) {
    if (!value.empty()) out.facts.emplace_back(name, std::move(value));
  };
  utsname kernel;
  uname(&kernel);
  add("time", utc_time());
  add("labcoat", program_version);
  add("cpu", value_in_file("/proc/cpuinfo", "model name"));
  add("cpus", fmt::format("{} usable", cpu_count()));
  add("memory", format_size(kib_in_meminfo("MemTotal")) + ", " +
                    format_size(memory_available_bytes()) + " free");
  add("kernel", fmt::format("{} {} {}", kernel.sysname, kernel.release, kernel.machine));
  add("governor", first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"));
  add("load average before", first_line("/proc/loadavg"));
  return out;
}

}  // namespace labcoat
