#include "cli/control_place.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat {
namespace {

constexpr const char* suffix = ".control";

// There afterwards, a directory of ours that nobody else may write.
bool usable(const std::string& directory) {
  if (mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST) return false;
  struct stat status {};
  if (lstat(directory.c_str(), &status) != 0) return false;
  return S_ISDIR(status.st_mode) && status.st_uid == geteuid() && (status.st_mode & 022) == 0 &&
         access(directory.c_str(), W_OK) == 0;
}

}  // namespace

std::vector<std::string> runtime_directories() {
  std::vector<std::string> out;
  const uid_t user = geteuid();
  const char* xdg = std::getenv("XDG_RUNTIME_DIR");
  if (xdg != nullptr && xdg[0] == '/') out.push_back(std::string(xdg) + "/labcoat");
  out.push_back(fmt::format("/run/user/{}/labcoat", user));
  if (user == 0) out.emplace_back("/run/labcoat");
  out.push_back(fmt::format("/tmp/labcoat-{}", user));
  if (out[0] == out[1]) out.erase(out.begin());
  return out;
}

Result<std::string> default_control_path(pid_t pid) {
  const std::vector<std::string> directories = runtime_directories();
  const auto found = std::find_if(directories.begin(), directories.end(), usable);
  if (found == directories.end()) {
    return fail(fmt::format("none of {} can be used; name a path with control in [server]",
                            fmt::join(directories, ", ")));
  }
  return fmt::format("{}/{}{}", *found, pid, suffix);
}

pid_t pid_of_control(const std::string& path) {
  const std::filesystem::path name(path);
  if (name.extension() != suffix) return 0;
  const auto pid = parse_int(name.stem().string());
  return pid && *pid > 0 && *pid <= 1 << 30 ? static_cast<pid_t>(*pid) : 0;
}

}  // namespace labcoat
