// wsgi.file_wrapper: an iterable over a file that the server may send by itself.
#pragma once

#include <optional>

#include "base/clock.h"
#include "python/ref.h"

namespace labcoat::python {

// Below this, reading a file in the worker is cheaper than handing its descriptor over.
constexpr i64 small_file_bytes = 64 * 1024;

PyObject* make_file_wrapper_type();

// What of a wrapped file can be sent without Python.
struct PlainFile {
  int fd;  // the app's; valid until the wrapper is closed
  i64 offset;
  i64 bytes;  // to the end of the file
};
// Nothing, without an exception, when the wrapped object is not an ordinary file read as bytes:
// then iterate. `wrapper` is an instance of make_file_wrapper_type().
std::optional<PlainFile> plain_file(PyObject* wrapper);

}  // namespace labcoat::python
