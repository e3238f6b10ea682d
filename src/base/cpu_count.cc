#include "base/cpu_count.h"

#include <algorithm>
#include <cmath>
#include <sched.h>

#include "base/text.h"

namespace labcoat {
namespace {

constexpr double no_limit = 1e9;

double quota_of(std::string_view quota, std::string_view period) {
  const auto q = parse_real(trim(quota));
  const auto p = parse_real(trim(period));
  if (!q || !p || *q <= 0 || *p <= 0) return no_limit;  // "max" or -1
  return *q / *p;
}

// cpu.max holds "QUOTA PERIOD" or "max PERIOD".
double v2_limit(const std::string& directory) {
  const auto text = read_file(directory + "/cpu.max");
  if (!text) return no_limit;
  const auto words = split(trim(*text), ' ');
  return words.size() == 2 ? quota_of(words[0], words[1]) : no_limit;
}

double v1_limit(const std::string& directory) {
  const auto quota = read_file(directory + "/cpu.cfs_quota_us");
  const auto period = read_file(directory + "/cpu.cfs_period_us");
  return quota && period ? quota_of(*quota, *period) : no_limit;
}

// A limit anywhere between our group and the root holds for us.
double tightest(const std::string& mount, std::string group, double (*limit)(const std::string&)) {
  double result = limit(mount);
  while (group.size() > 1) {
    result = std::min(result, limit(mount + group));
    group.resize(group.rfind('/'));
  }
  return result;
}

double cgroup_limit(const std::string& root) {
  const auto groups = read_file(root + "/proc/self/cgroup");
  if (!groups) return no_limit;
  double result = no_limit;
  for (const std::string_view line : split(trim(*groups), '\n')) {
    const auto fields = split(line, ':');  // "0::/group" or "4:cpu,cpuacct:/group"
    if (fields.size() != 3 || !fields[2].starts_with('/')) continue;
    const std::string group(fields[2]);
    if (fields[0] == "0") {
      result = std::min(result, tightest(root + "/sys/fs/cgroup", group, v2_limit));
    } else if (fields[1].find("cpu") != fields[1].npos) {
      result = std::min(result, tightest(root + "/sys/fs/cgroup/cpu", group, v1_limit));
    }
  }
  return result;
}

int affinity_count() {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

}  // namespace

int cpu_count(const std::string& root) {
  const double limit = std::ceil(cgroup_limit(root) - 1e-9);
  return std::max(1, static_cast<int>(std::min<double>(limit, affinity_count())));
}

}  // namespace labcoat
