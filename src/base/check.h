// CHECK stops the program at once when one of our own rules is broken: in release builds too. It is
// for our bugs only; what the world can do to us is a Result, what is expected on the hot path is
// an enum.
#pragma once

namespace labcoat {

// Prints file, line and the broken condition to stderr, then aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition);

}  // namespace labcoat

#define CHECK(condition) \
  ((condition) ? (void)0 : ::labcoat::check_failed(__FILE__, __LINE__, #condition))
