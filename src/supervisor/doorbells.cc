#include "supervisor/doorbells.h"

#include <sys/eventfd.h>

namespace labcoat::supervisor {

Result<std::vector<Fd>> make_doorbells(int count) {
  std::vector<Fd> bells;
  for (int i = 0; i < count; ++i) {
    Fd bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell) return fail_errno("cannot create an eventfd");
    bells.push_back(std::move(bell));
  }
  return bells;
}

std::vector<int> numbers(const std::vector<Fd>& fds) {
  std::vector<int> out;
  for (const Fd& fd : fds) out.push_back(fd.get());
  return out;
}

}  // namespace labcoat::supervisor
