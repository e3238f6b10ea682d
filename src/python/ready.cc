#include "python/ready.h"

namespace labcoat::python {
namespace {

struct Ready {
  PyObject_HEAD PyObject* value;
};

PyTypeObject* type;  // written once, under the import lock; never freed
PyObject* none;

PyObject* self_of(PyObject* self) {
  return Ref::share(self).release();
}

PySendResult resume(PyObject* self, PyObject*, PyObject** result) {
  *result = Ref::share(reinterpret_cast<Ready*>(self)->value).release();
  return PYGEN_RETURN;
}

// A value comes out of an iterator as StopIteration.
PyObject* stop_with(PyObject* self) {
  PyObject* const value = reinterpret_cast<Ready*>(self)->value;
  // Made here, because a tuple or an exception as the value would be taken apart.
  const Ref stop = Ref::steal(PyObject_CallFunctionObjArgs(PyExc_StopIteration, value, nullptr));
  if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
  return nullptr;
}

PyObject* send(PyObject* self, PyObject*) {
  return stop_with(self);
}

PyObject* throw_in(PyObject*, PyObject* args) {
  PyObject *kind, *value = Py_None, *traceback = Py_None;
  if (!PyArg_UnpackTuple(args, "throw", 1, 3, &kind, &value, &traceback)) return nullptr;
  if (PyExceptionInstance_Check(kind)) {
    PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(kind)), kind);
  } else {
    PyErr_SetObject(kind, value == Py_None ? nullptr : value);
  }
  return nullptr;
}

PyObject* close(PyObject*, PyObject*) {
  Py_RETURN_NONE;
}

void dealloc(PyObject* self) {
  PyTypeObject* const its_type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<Ready*>(self)->value);
  PyObject_Free(self);
  Py_DECREF(its_type);
}

PyMethodDef methods[] = {
    {"send", send, METH_O, "send(None): raises StopIteration with the value."},
    {"throw", throw_in, METH_VARARGS, "throw(exception): raises it."},
    {"close", close, METH_NOARGS, "close(): nothing is left to do."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_am_await, reinterpret_cast<void*>(self_of)},
    {Py_am_send, reinterpret_cast<void*>(resume)},
    {Py_tp_iter, reinterpret_cast<void*>(self_of)},
    {Py_tp_iternext, reinterpret_cast<void*>(stop_with)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("What ASGI's send and receive return when there is no need to "
                                  "wait.")},
    {0, nullptr},
};

PyType_Spec spec = {"labcoat._labcoat.Ready", sizeof(Ready), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* make_ready_type() {
  PyObject* const made = PyType_FromSpec(&spec);
  if (!made) return nullptr;
  type = reinterpret_cast<PyTypeObject*>(made);
  none = new_ready(Ref::share(Py_None));
  return none ? made : nullptr;
}

PyObject* new_ready(Ref value) {
  if (!value) return nullptr;
  Ready* const ready = PyObject_New(Ready, type);
  if (ready) ready->value = value.release();
  return reinterpret_cast<PyObject*>(ready);
}

PyObject* ready_none() {
  return Ref::share(none).release();
}

}  // namespace labcoat::python
