// What the awaitable objects of this module have in common: the protocol of generators (PEP 342,
// PEP 492) around one function, `resume`, which is their Py_am_send. They are their own iterators
// (PyObject_SelfIter). Every function needs the GIL.
#pragma once

#include "python/ref.h"

namespace labcoat::python {

// Raises StopIteration(value), whatever the value is. Returns nullptr.
PyObject* stop_with(Ref value);

// throw(kind[, value[, traceback]]) of an object in which nothing runs that could catch it: raises
// it. Returns nullptr.
PyObject* raise_thrown(PyObject* args);

// Their send(value) and tp_iternext.
template <PySendResult (*resume)(PyObject*, PyObject*, PyObject**)>
PyObject* resume_with(PyObject* self, PyObject* value) {
  PyObject* result = nullptr;
  switch (resume(self, value, &result)) {
    case PYGEN_NEXT:
      return result;
    case PYGEN_RETURN:
      return stop_with(Ref::steal(result));
    case PYGEN_ERROR:
      break;
  }
  return nullptr;
}

template <PySendResult (*resume)(PyObject*, PyObject*, PyObject**)>
PyObject* resume_next(PyObject* self) {
  return resume_with<resume>(self, Py_None);
}

}  // namespace labcoat::python
