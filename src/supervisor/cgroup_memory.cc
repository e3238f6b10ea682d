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

// A line "inactive_file 123" of memory.stat; 0: there is none.
i64 stat_bytes(std::string_view stat, std::string_view name) {
  for (const std::string_view line : split(stat, '\n')) {
    if (!line.starts_with(name) || !line.substr(name.size()).starts_with(' ')) continue;
    return parse_int(trim(line.substr(name.size()))).value_or(0);
  }
  return 0;
}

// Also pages that were used twice (active_file): the kernel makes them inactive when it needs room.
// What is mapped stays ours, as that is the code that runs; shared memory is mapped, but no file.
i64 droppable_bytes(const std::string& level) {
  const auto stat = read_file(level + "/memory.stat");
  if (!stat) return 0;
  const i64 of_files = stat_bytes(*stat, "inactive_file") + stat_bytes(*stat, "active_file");
  const i64 mapped = stat_bytes(*stat, "file_mapped") - stat_bytes(*stat, "shmem");
  return std::max<i64>(0, of_files - std::max<i64>(0, mapped));
}

// The lower of a level's two limits, with nothing taken yet.
CgroupMemory::Use limit_of(const std::string& level) {
  const i64 max = number_in(level + "/memory.max");
  const i64 high = number_in(level + "/memory.high");
  if (high > 0 && (max <= 0 || high < max)) return {.max_bytes = high, .limit = "memory.high"};
  return {.max_bytes = max, .limit = "memory.max"};
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
    Use use = limit_of(level);
    const i64 current = use.max_bytes > 0 ? number_in(level + "/memory.current") : no_number;
    if (current < 0) continue;
    use.used_bytes = std::max<i64>(0, current - droppable_bytes(level));
    uses.push_back(use);
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
