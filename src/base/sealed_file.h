// A file in memory that nobody can change any more: for what is too large for a message.
#pragma once

#include <string_view>

#include "base/fd.h"
#include "base/result.h"

namespace labcoat {

// `name` is shown in /proc. Positioned at its end: readers use pread, or open it again.
Result<Fd> sealed_file(const char* name, std::string_view content);

// Whether it is such a file: then to read it cannot block, and gives the same each time.
bool is_sealed_file(int fd);

}  // namespace labcoat
