#include "python/start_response.h"

namespace labcoat::python {
namespace {

struct Link {
  PyObject_HEAD Response* response;  // nullptr: the request is over
  PyObject* write;                   // borrowed from StartResponse, which outlives `response`
};

Response* response_of(PyObject* self) {
  Response* const response = reinterpret_cast<Link*>(self)->response;
  if (!response || response->ended()) {
    PyErr_SetString(PyExc_RuntimeError, "the response to this request is already complete");
    return nullptr;
  }
  return response;
}

bool is_text(PyObject* name, const char* text) {
  return PyUnicode_CompareWithASCIIString(name, text) == 0;
}

// PEP 3333 passes everything by position, but frameworks name exc_info, and some name all three.
PyObject* start_response(PyObject* self, PyObject* const* args, Py_ssize_t count,
                         PyObject* keywords) {
  PyObject* values[3] = {nullptr, nullptr, nullptr};
  const Py_ssize_t named = keywords ? PyTuple_Size(keywords) : 0;
  bool known = count + named <= 3;
  for (Py_ssize_t i = 0; known && i < count; ++i) values[i] = args[i];
  for (Py_ssize_t i = 0; known && i < named; ++i) {
    PyObject* const name = PyTuple_GetItem(keywords, i);
    const size_t at = is_text(name, "status")                                         ? 0
                      : is_text(name, "headers") || is_text(name, "response_headers") ? 1
                      : is_text(name, "exc_info")                                     ? 2
                                                                                      : 3;
    known = at < 3 && !values[at];
    if (known) values[at] = args[count + i];
  }
  if (!known || !values[0] || !values[1]) {
    PyErr_SetString(PyExc_TypeError,
                    "start_response takes (status, response_headers, exc_info=None)");
    return nullptr;
  }
  Response* const response = response_of(self);
  PyObject* const exc_info = values[2] == Py_None ? nullptr : values[2];
  if (!response || !response->start(values[0], values[1], exc_info)) return nullptr;
  return Ref::share(reinterpret_cast<Link*>(self)->write).release();
}

PyObject* write(PyObject* self, PyObject* block) {
  Response* const response = response_of(self);
  if (!response) return nullptr;
  char* bytes;
  Py_ssize_t count;
  if (!PyBytes_Check(block)) {
    PyErr_Format(PyExc_TypeError, "write: a block of body must be bytes, not %R",
                 reinterpret_cast<PyObject*>(Py_TYPE(block)));
    return nullptr;
  }
  if (PyBytes_AsStringAndSize(block, &bytes, &count) < 0 || !response->begin(-1)) return nullptr;
  response->send({bytes, static_cast<size_t>(count)});
  response->flush();
  Py_RETURN_NONE;
}

PyObject* early_hints(PyObject* self, PyObject* headers) {
  Response* const response = response_of(self);
  if (!response || !response->hints(headers)) return nullptr;
  Py_RETURN_NONE;
}

PyMethodDef start_method = {
    "start_response",
    reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(start_response)),
    METH_FASTCALL | METH_KEYWORDS,
    "start_response(status, response_headers, exc_info=None): PEP 3333.",
};
PyMethodDef write_method = {"write", write, METH_O, "write(block): sends a block of body at once."};
PyMethodDef hints_method = {"early_hints", early_hints, METH_O,
                            "early_hints(headers): sends 103 with these (name, value) pairs."};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(free_object)},
    {0, nullptr},
};
PyType_Spec spec = {"labcoat._labcoat.ResponseLink", sizeof(Link), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

PyObject* link_type = nullptr;  // written once, under the import lock

}  // namespace

bool StartResponse::make_type() {
  link_type = PyType_FromSpec(&spec);
  return link_type != nullptr;
}

PyObject* StartResponse::callable() {
  return start_ || make() ? start_.get() : nullptr;
}

PyObject* StartResponse::early_hints() {
  return start_ || make() ? hints_.get() : nullptr;
}

bool StartResponse::make() {
  Link* const link = PyObject_New(Link, reinterpret_cast<PyTypeObject*>(link_type));
  if (!link) return false;
  link->response = nullptr;
  self_ = Ref::steal(reinterpret_cast<PyObject*>(link));
  start_ = Ref::steal(PyCFunction_NewEx(&start_method, self_.get(), nullptr));
  write_ = Ref::steal(PyCFunction_NewEx(&write_method, self_.get(), nullptr));
  hints_ = Ref::steal(PyCFunction_NewEx(&hints_method, self_.get(), nullptr));
  if (!start_ || !write_ || !hints_) {
    start_ = Ref();
    return false;
  }
  link->response = &response_;
  link->write = write_.get();
  return true;
}

void StartResponse::settle() {
  const bool kept = start_ && (Py_REFCNT(start_.get()) > 1 || Py_REFCNT(write_.get()) > 1 ||
                               Py_REFCNT(hints_.get()) > 2);
  if (kept) retire();
}

void StartResponse::retire() {
  if (self_) reinterpret_cast<Link*>(self_.get())->response = nullptr;
  start_ = Ref();
  write_ = Ref();
  hints_ = Ref();
  self_ = Ref();
}

}  // namespace labcoat::python
