#include "python/stacks.h"

#include <cerrno>
#include <csignal>
#include <unistd.h>

namespace labcoat::python {
namespace {

// Set before the handler is; one set per process.
void (*write_stacks)(int) = nullptr;
int stacks_fd = -1;

void on_signal(int signal) {
  const int saved = errno;
  write_stacks(signal);
  const char end = '\0';
  [[maybe_unused]] const ssize_t wrote = write(stacks_fd, &end, 1);
  errno = saved;
}

}  // namespace

bool end_stacks_with_nul(int signal, int fd) {
  struct sigaction action {};
  if (sigaction(signal, nullptr, &action) != 0) return false;
  if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) return false;
  write_stacks = action.sa_handler;
  stacks_fd = fd;
  action.sa_handler = on_signal;
  // The app's system calls go on as if nothing had happened.
  action.sa_flags |= SA_RESTART;
  return sigaction(signal, &action, nullptr) == 0;
}

}  // namespace labcoat::python
