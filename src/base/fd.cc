#include "base/fd.h"

#include <unistd.h>

namespace labcoat {

void Fd::reset() {
  // Linux frees the descriptor even when close() reports EINTR, so there is nothing to repeat.
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

}  // namespace labcoat
