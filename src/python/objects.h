// Steps with Python objects that many files take. Every function needs the GIL.
#pragma once

#include <string_view>

#include "base/clock.h"
#include "python/ref.h"

namespace labcoat::python {

// dict[key] = value. False with an exception, also when there is no value for it.
inline bool set(PyObject* dict, PyObject* key, Ref value) {
  return value && PyDict_SetItem(dict, key, value.get()) == 0;
}

// Raises kind(format % what), as PyErr_Format has it. Returns false.
inline bool refuse(PyObject* kind, const char* format, PyObject* what) {
  PyErr_Format(kind, format, what);
  return false;
}

// The bytes of a bytes object, which lives at least as long.
inline std::string_view view_of(PyObject* bytes) {
  char* at;
  Py_ssize_t count;
  PyBytes_AsStringAndSize(bytes, &at, &count);
  return {at, static_cast<size_t>(count)};
}

// A request's id as the log writes it: 16 hexadecimal digits.
inline Ref hex_of(u64 id) {
  char digits[16];
  for (int i = 15; i >= 0; --i, id >>= 4) digits[i] = "0123456789abcdef"[id & 15];
  return Ref::steal(PyUnicode_FromStringAndSize(digits, sizeof digits));
}

}  // namespace labcoat::python
