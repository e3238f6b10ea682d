#include "python/ready.h"

#include "python/awaitable.h"

namespace labcoat::python {
namespace {

struct Ready {
  PyObject_HEAD PyObject* value;
};

PyTypeObject* type;  // written once, under the import lock; never freed
PyObject* none;

PySendResult resume(PyObject* self, PyObject*, PyObject** result) {
  *result = Ref::share(reinterpret_cast<Ready*>(self)->value).release();
  return PYGEN_RETURN;
}

PyObject* throw_in(PyObject*, PyObject* args) {
  return raise_thrown(args);
}

PyObject* close(PyObject*, PyObject*) {
  Py_RETURN_NONE;
}

void dealloc(PyObject* self) {
  Py_XDECREF(reinterpret_cast<Ready*>(self)->value);
  free_object(self);
}

PyMethodDef methods[] = {
    {"send", resume_with<resume>, METH_O, "send(None): raises StopIteration with the value."},
    {"throw", throw_in, METH_VARARGS, "throw(exception): raises it."},
    {"close", close, METH_NOARGS, "close(): nothing is left to do."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(resume)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(resume_next<resume>)},
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
