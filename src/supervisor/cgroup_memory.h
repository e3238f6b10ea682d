// CgroupMemory: what the kernel lets this server have in memory, and what of that is taken. Of our
// cgroup and of each above it, as each may have a limit (cgroup v2) and the first that is full is
// the one where the kernel kills (memory.max) or makes everybody wait (memory.high).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"

namespace labcoat::supervisor {

class CgroupMemory {
 public:
  struct Use {
    i64 max_bytes = 0;
    // Without what the kernel drops before it kills anybody: pages of files that nobody has mapped.
    i64 used_bytes = 0;
    const char* limit = "";  // the file that says max_bytes
    double share() const {
      return static_cast<double>(used_bytes) / static_cast<double>(max_bytes);
    }
  };
  // Of each limit so much stays free for what grows between two looks.
  static constexpr double spare_share = 0.05;

  // `root` is where the file system starts, for tests. Which cgroup is ours is read once, its
  // numbers each time: limits of a running container can be changed.
  explicit CgroupMemory(const std::string& root = "");

  // The level of which the greatest share is taken; nothing: no level has a limit.
  std::optional<Use> fullest() const;
  // How much more can be taken until that share of a level is; below 0: it is already. Nothing: no
  // level has a limit.
  std::optional<i64> room(double share) const;
  // Whether so much more fits into every level.
  bool has_room(i64 bytes) const;

 private:
  std::vector<Use> limited() const;

  std::vector<std::string> levels_;  // directories, ours first
};

}  // namespace labcoat::supervisor
