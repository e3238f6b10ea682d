// Doorbells: eventfds that the edge and the workers ring to wake each other. The supervisor only
// makes them and hands them out.
#pragma once

#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace labcoat::supervisor {

// Non-blocking, close-on-exec.
Result<std::vector<Fd>> make_doorbells(int count);

// Borrowed, for sending.
std::vector<int> numbers(const std::vector<Fd>& fds);

}  // namespace labcoat::supervisor
