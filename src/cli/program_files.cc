#include "cli/program_files.h"

#include <climits>
#include <filesystem>
#include <unistd.h>

namespace labcoat {

Result<std::string> program_path() {
  char buffer[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  if (length <= 0) return fail_errno("cannot read /proc/self/exe");
  return std::string(buffer, static_cast<size_t>(length));
}

Result<std::string> python_directory() {
  const auto program = program_path();
  if (!program) return tl::unexpected(program.error());
  const std::filesystem::path directory = std::filesystem::path(*program).parent_path();
  const auto beside = directory / "python";
  const auto installed = (directory / "../lib/labcoat/python").lexically_normal();
  for (const auto& candidate : {beside, installed}) {
    std::error_code error;
    if (std::filesystem::exists(candidate / "labcoat/_labcoat.abi3.so", error)) {
      return candidate.string();
    }
  }
  return fail("the Python side of labcoat is missing: there is no labcoat/_labcoat.abi3.so in " +
              beside.string() + " or " + installed.string() + "; build or install it again");
}

}  // namespace labcoat
