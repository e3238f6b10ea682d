// Result<T> carries either a value or a sentence for the user: what went wrong, where, and what to
// do about it.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace labcoat {

struct Error {
  std::string text;  // one sentence, no trailing newline, no program name in front
};

template <class T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> fail(std::string text) {
  return tl::unexpected<Error>(Error{std::move(text)});
}

// "what: No such file or directory"; reads errno.
tl::unexpected<Error> fail_errno(std::string what);
std::string errno_text(int error_number);

}  // namespace labcoat
