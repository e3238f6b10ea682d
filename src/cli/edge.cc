// labcoat edge --control FD: the front server as a process. Started by the supervisor only.
#include <cstring>
#include <sys/stat.h>

#include "base/text.h"
#include "cli/command.h"
#include "edge/edge_process.h"

namespace labcoat {

int edge_command(int argc, char** argv) {
  if (argc != 3 || std::strcmp(argv[1], "--control") != 0) {
    return usage_error("edge", "this is started by labcoat serve, not by hand");
  }
  const auto fd = parse_int(argv[2]);
  struct stat status {};
  if (!fd || *fd < 3 || fstat(static_cast<int>(*fd), &status) != 0 || !S_ISSOCK(status.st_mode)) {
    return usage_error("edge", "--control must be the number of an inherited socket");
  }
  return edge::run_edge(static_cast<int>(*fd));
}

}  // namespace labcoat
