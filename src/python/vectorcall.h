// PyObject_Vectorcall is part of the stable ABI only since 3.12, but exported by 3.11 as well.
#pragma once

#include <Python.h>

extern "C" PyObject* PyObject_Vectorcall(PyObject* callable, PyObject* const* args, size_t count,
                                         PyObject* keywords);

namespace labcoat::python {

inline PyObject* call_with(PyObject* callable, PyObject* argument) {
  return PyObject_Vectorcall(callable, &argument, 1, nullptr);
}

}  // namespace labcoat::python
