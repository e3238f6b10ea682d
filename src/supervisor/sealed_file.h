// A file in memory that nobody can change any more: for what is too large for a message.
#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace labcoat::supervisor {

// `name` is shown in /proc. Positioned at its end: readers use pread.
Result<Fd> sealed_file(const char* name, std::string_view content);

}  // namespace labcoat::supervisor
