#include "python/input.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace labcoat::python {
namespace {

RequestBody& body_of(PyObject* self) {
  return reinterpret_cast<Input*>(self)->body;
}

bool may_read(const RequestBody& body) {
  if (!body.is_open()) {
    PyErr_SetString(PyExc_ValueError, "wsgi.input: the request is over, and with it its body");
    return false;
  }
  if (body.busy()) {
    PyErr_SetString(PyExc_RuntimeError, "wsgi.input: another thread is reading it");
    return false;
  }
  return true;
}

PyObject* raise(const Error& error) {
  PyErr_Format(PyExc_OSError, "wsgi.input: %s", error.text.c_str());
  return nullptr;
}

// The optional size argument of the file methods: None and negative numbers mean all of it.
bool parse_size(PyObject* const* args, Py_ssize_t count, i64 all, i64& size) {
  size = all;
  if (count > 1) {
    PyErr_SetString(PyExc_TypeError, "wsgi.input: at most one argument, the size");
    return false;
  }
  if (count == 0 || args[0] == Py_None) return true;
  const Py_ssize_t wanted = PyNumber_AsSsize_t(args[0], PyExc_OverflowError);
  if (wanted == -1 && PyErr_Occurred()) return false;
  if (wanted >= 0) size = std::min<i64>(wanted, all);
  return true;
}

PyObject* read(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  RequestBody& body = body_of(self);
  i64 size;
  if (!may_read(body) || !parse_size(args, count, body.left(), size)) return nullptr;
  PyObject* const out = PyBytes_FromStringAndSize(nullptr, size);
  if (!out || size == 0) return out;
  if (auto got = body.read(PyBytes_AsString(out), static_cast<size_t>(size)); !got) {
    Py_DECREF(out);
    return raise(got.error());
  }
  return out;
}

// Up to and including the next line feed, at most `size` bytes; empty at the end.
PyObject* read_line(RequestBody& body, i64 size) {
  std::string collected;  // only of lines that cross the end of a window
  size_t left = static_cast<size_t>(size);
  while (left > 0 && body.left() > 0) {
    if (auto got = body.fetch(); !got) return raise(got.error());
    const std::string_view window = body.window().substr(0, left);
    const size_t line_feed = window.find('\n');
    const bool whole = line_feed != std::string_view::npos || window.size() == left;
    const std::string_view piece = window.substr(
        0, line_feed == std::string_view::npos ? std::string_view::npos : line_feed + 1);
    if (whole && collected.empty()) {
      PyObject* const line =
          PyBytes_FromStringAndSize(piece.data(), static_cast<Py_ssize_t>(piece.size()));
      if (line) body.skip(piece.size());
      return line;
    }
    collected.append(piece);
    left -= piece.size();
    body.skip(piece.size());
    if (whole) break;
  }
  return PyBytes_FromStringAndSize(collected.data(), static_cast<Py_ssize_t>(collected.size()));
}

PyObject* readline(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  RequestBody& body = body_of(self);
  i64 size;
  if (!may_read(body) || !parse_size(args, count, body.left(), size)) return nullptr;
  return read_line(body, size);
}

PyObject* readlines(PyObject* self, PyObject* const* args, Py_ssize_t count) {
  RequestBody& body = body_of(self);
  i64 hint;
  if (!may_read(body) || !parse_size(args, count, body.left(), hint)) return nullptr;
  if (hint == 0) hint = body.left();  // as io.IOBase has it: no hint
  Ref lines = Ref::steal(PyList_New(0));
  if (!lines) return nullptr;
  for (i64 total = 0; body.left() > 0 && total < hint;) {
    const Ref line = Ref::steal(read_line(body, body.left()));
    if (!line || PyList_Append(lines.get(), line.get()) < 0) return nullptr;
    total += PyBytes_Size(line.get());
  }
  return lines.release();
}

PyObject* next_line(PyObject* self) {
  RequestBody& body = body_of(self);
  if (!may_read(body)) return nullptr;
  if (body.left() == 0) return nullptr;  // StopIteration
  return read_line(body, body.left());
}

// With this and readable() the object can stand below io.BufferedReader and io.TextIOWrapper.
PyObject* readinto(PyObject* self, PyObject* target) {
  RequestBody& body = body_of(self);
  if (!may_read(body)) return nullptr;
  Py_buffer buffer;
  if (PyObject_GetBuffer(target, &buffer, PyBUF_WRITABLE) < 0) return nullptr;
  const size_t count = static_cast<size_t>(std::min<i64>(buffer.len, body.left()));
  const auto got = count == 0 ? Status{} : body.read(static_cast<char*>(buffer.buf), count);
  PyBuffer_Release(&buffer);
  return got ? PyLong_FromSize_t(count) : raise(got.error());
}

PyObject* yes(PyObject*, PyObject*) {
  Py_RETURN_TRUE;
}

PyObject* no(PyObject*, PyObject*) {
  Py_RETURN_FALSE;
}

PyObject* nothing(PyObject*, PyObject*) {
  Py_RETURN_NONE;
}

PyObject* closed(PyObject* self, void*) {
  return PyBool_FromLong(body_of(self).is_open() ? 0 : 1);
}

void dealloc(PyObject* self) {
  body_of(self).~RequestBody();
  free_object(self);
}

template <class F>
PyCFunction as_function(F* function) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(function));
}

PyMethodDef methods[] = {
    {"read", as_function(read), METH_FASTCALL, "read(size=-1): bytes of the request body."},
    {"readline", as_function(readline), METH_FASTCALL, "readline(size=-1): one line."},
    {"readlines", as_function(readlines), METH_FASTCALL, "readlines(hint=-1): a list of lines."},
    {"readinto", readinto, METH_O, "readinto(buffer): the number of bytes read."},
    {"readable", yes, METH_NOARGS, nullptr},
    {"writable", no, METH_NOARGS, nullptr},
    {"seekable", no, METH_NOARGS, nullptr},
    {"close", nothing, METH_NOARGS, "Does nothing: the server closes the body."},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"closed", closed, nullptr, "Whether the request is over.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(next_line)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {Py_tp_doc, const_cast<char*>("The request body as a binary file: wsgi.input.")},
    {0, nullptr},
};

PyType_Spec spec = {"labcoat._labcoat.Input", sizeof(Input), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* make_input_type() {
  return PyType_FromSpec(&spec);
}

Input* new_input(PyObject* type) {
  Input* const input = PyObject_New(Input, reinterpret_cast<PyTypeObject*>(type));
  if (input) new (&input->body) RequestBody();
  return input;
}

}  // namespace labcoat::python
