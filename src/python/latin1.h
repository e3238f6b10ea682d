// PEP 3333's native strings: str objects whose characters stand for bytes (latin-1).
#pragma once

#include <Python.h>

#include <string>
#include <string_view>

namespace labcoat::python {

// Appends one byte per character. False, without an exception, when a character is above U+00FF.
bool append_latin1(PyObject* text, std::string& out);

inline PyObject* str_of_latin1(std::string_view bytes) {
  return PyUnicode_DecodeLatin1(bytes.data(), static_cast<Py_ssize_t>(bytes.size()), nullptr);
}

}  // namespace labcoat::python
