#include "supervisor/cgroup_memory.h"

#include <algorithm>

#include "base/text.h"

namespace labcoat::supervisor {
namespace {

constexpr i64 no_number = -1;

// A file of one number; "max" is none.
i64 number_in(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return no_number;
  return parse_int(trim(*text)).value_or(no_number);
}

// A line "inactive_file 123" of memory.stat.
i64 inactive_file_bytes(const std::string& level) {
  const auto text = read_file(level + "/memory.stat");
  if (!text) return 0;
  for (const std::string_view line : split(*text, '\n')) {
    constexpr std::string_view name = "inactive_file ";
    if (line.starts_with(name)) return parse_int(trim(line.substr(name.size()))).value_or(0);
  }
  return 0;
}

}  // namespace

CgroupMemory::CgroupMemory(const std::string& root) {
  const auto groups = read_file(root + "/proc/self/cgroup");
  if (!groups) return;
  for (const std::string_view line : split(trim(*groups), '\n')) {
    if (!line.starts_with("0::/")) continue;  // the others are of cgroup v1
    std::string group(line.substr(3));
    const std::string mount = root + "/sys/fs/cgroup";
    for (; group.size() > 1; group.resize(group.rfind('/'))) levels_.push_back(mount + group);
    levels_.push_back(mount);
  }
}

std::vector<CgroupMemory::Use> CgroupMemory::limited() const {
  std::vector<Use> uses;
  for (const std::string& level : levels_) {
    const i64 max = number_in(level + "/memory.max");
    const i64 current = max > 0 ? number_in(level + "/memory.current") : no_number;
    if (current < 0) continue;
    uses.push_back({max, std::max<i64>(0, current - inactive_file_bytes(level))});
  }
  return uses;
}

std::optional<CgroupMemory::Use> CgroupMemory::fullest() const {
  const std::vector<Use> uses = limited();
  const auto found = std::max_element(
      uses.begin(), uses.end(),
      [](const Use& one, const Use& other) { return one.share() < other.share(); });
  if (found == uses.end()) return {};
  return *found;
}

std::optional<i64> CgroupMemory::room(double share) const {
  std::optional<i64> least;
  for (const Use& use : limited()) {
    const i64 left = static_cast<i64>(share * static_cast<double>(use.max_bytes)) - use.used_bytes;
    least = std::min(least.value_or(left), left);
  }
  return least;
}

bool CgroupMemory::has_room(i64 bytes) const {
  const std::optional<i64> left = room(1 - spare_share);
  return !left || bytes <= *left;
}

}  // namespace labcoat::supervisor
