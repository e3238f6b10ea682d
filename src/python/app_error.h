// What the log says when an application fails.
#pragma once

#include <string_view>

#include "base/clock.h"

namespace labcoat::python {

// Writes the current Python exception with its traceback, headed by the request's id, its method
// and path and `what` happened; the exception is cleared. One write(2).
void log_exception(u64 request_id, std::string_view request_line, std::string_view what);
// The same without an exception: one line.
void log_problem(u64 request_id, std::string_view request_line, std::string_view what);

}  // namespace labcoat::python
