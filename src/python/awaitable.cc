#include "python/awaitable.h"

namespace labcoat::python {

PyObject* stop_with(Ref value) {
  // Made here, because a tuple or an exception as the value would be taken apart.
  const Ref stop =
      Ref::steal(value.get() == Py_None
                     ? PyObject_CallNoArgs(PyExc_StopIteration)
                     : PyObject_CallFunctionObjArgs(PyExc_StopIteration, value.get(), nullptr));
  if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
  return nullptr;
}

PyObject* raise_thrown(PyObject* args) {
  PyObject *kind, *value = Py_None, *traceback = Py_None;
  if (!PyArg_UnpackTuple(args, "throw", 1, 3, &kind, &value, &traceback)) return nullptr;
  if (PyExceptionInstance_Check(kind)) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(kind)), kind);
  } else {
    PyErr_SetObject(kind, value == Py_None ? nullptr : value);
  }
  return nullptr;
}

}  // namespace labcoat::python
