#include "base/result.h"

#include <cerrno>
#include <cstring>

namespace labcoat {

std::string errno_text(int error_number) {
  char buffer[128];
  // The GNU form: it may return a static string instead of filling the buffer.
  return strerror_r(error_number, buffer, sizeof buffer);
}

tl::unexpected<Error> fail_errno(std::string what) {
  const int saved = errno;
  what += ": ";
  what += errno_text(saved);
  return fail(std::move(what));
}

}  // namespace labcoat
