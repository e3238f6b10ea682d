#include "base/sealed_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace labcoat {
namespace {

constexpr int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

}  // namespace

Result<Fd> sealed_file(const char* name, std::string_view content) {
  Fd file(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail_errno("cannot create a file in memory");
  size_t done = 0;
  while (done < content.size()) {
    const ssize_t wrote = write(file.get(), content.data() + done, content.size() - done);
    if (wrote < 0) return fail_errno("cannot write a file in memory");
    done += static_cast<size_t>(wrote);
  }
  if (fcntl(file.get(), F_ADD_SEALS, seals) != 0) {
    return fail_errno("cannot seal a file in memory");
  }
  return file;
}

bool is_sealed_file(int fd) {
  const int found = fcntl(fd, F_GET_SEALS);
  return found >= 0 && (found & seals) == seals;
}

}  // namespace labcoat
