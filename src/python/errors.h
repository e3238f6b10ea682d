// The wsgi.errors object: text for the log. Each line becomes one write(2) to stderr, with the
// request's id before it, so that lines of several workers never mix.
#pragma once

#include <string>

#include "base/clock.h"
#include "python/ref.h"

namespace labcoat::python {

// What stands before a line: "[00000000000004d2] ".
std::string log_prefix(u64 request_id);
// All of it in one write(2) where the kernel allows; what cannot be written is lost.
void write_stderr(std::string_view text);

class ErrorLog {
 public:
  void open(u64 request_id) {
    request_id_ = request_id;
    has_request_ = true;
  }
  // The request is over; whoever kept the object goes on without an id.
  void close() {
    flush();
    has_request_ = false;
  }
  void write(std::string_view text);
  // An unfinished line is written as if it were finished.
  void flush();

 private:
  static constexpr size_t line_bytes_max = 16 * 1024;  // longer lines are broken

  u64 request_id_ = 0;
  bool has_request_ = false;
  std::string line_;
};

struct Errors {
  PyObject_HEAD ErrorLog log;
};

PyObject* make_errors_type();
Errors* new_errors(PyObject* type);

}  // namespace labcoat::python
