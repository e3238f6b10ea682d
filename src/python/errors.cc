#include "python/errors.h"

#include <algorithm>
#include <cerrno>
#include <new>
#include <unistd.h>

namespace labcoat::python {
namespace {

ErrorLog& log_of(PyObject* self) {
  return reinterpret_cast<Errors*>(self)->log;
}

bool write_text(ErrorLog& log, PyObject* text) {
  if (!PyUnicode_Check(text)) {
    PyErr_Format(PyExc_TypeError, "wsgi.errors: only str can be written, not %R",
                 reinterpret_cast<PyObject*>(Py_TYPE(text)));
    return false;
  }
  Py_ssize_t bytes;
  if (const char* const utf8 = PyUnicode_AsUTF8AndSize(text, &bytes)) {
    log.write({utf8, static_cast<size_t>(bytes)});
    return true;
  }
  PyErr_Clear();  // lone surrogates: a log is no place to fail
  const Ref escaped = Ref::steal(PyUnicode_AsEncodedString(text, "utf-8", "backslashreplace"));
  if (!escaped) return false;
  log.write({PyBytes_AsString(escaped.get()), static_cast<size_t>(PyBytes_Size(escaped.get()))});
  return true;
}

PyObject* write(PyObject* self, PyObject* text) {
  if (!write_text(log_of(self), text)) return nullptr;
  return PyLong_FromSsize_t(PyUnicode_GetLength(text));
}

PyObject* writelines(PyObject* self, PyObject* lines) {
  const Ref iterator = Ref::steal(PyObject_GetIter(lines));
  if (!iterator) return nullptr;
  while (const Ref line = Ref::steal(PyIter_Next(iterator.get()))) {
    if (!write_text(log_of(self), line.get())) return nullptr;
  }
  if (PyErr_Occurred()) return nullptr;
  Py_RETURN_NONE;
}

PyObject* flush(PyObject* self, PyObject*) {
  log_of(self).flush();
  Py_RETURN_NONE;
}

void dealloc(PyObject* self) {
  log_of(self).~ErrorLog();
  free_object(self);
}

PyMethodDef methods[] = {
    {"write", write, METH_O, "write(text): each line goes to stderr with the request's id."},
    {"writelines", writelines, METH_O, "writelines(texts)"},
    {"flush", flush, METH_NOARGS, "flush(): an unfinished line is written as if it were finished."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("Text for the server's log: wsgi.errors.")},
    {0, nullptr},
};

PyType_Spec spec = {"labcoat._labcoat.Errors", sizeof(Errors), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

std::string log_prefix(u64 request_id) {
  std::string prefix(19, '[');
  for (int i = 0; i < 16; ++i) {
    prefix[static_cast<size_t>(16 - i)] = "0123456789abcdef"[(request_id >> (4 * i)) & 15];
  }
  prefix[17] = ']';
  prefix[18] = ' ';
  return prefix;
}

void write_stderr(std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(STDERR_FILENO, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;
    text.remove_prefix(static_cast<size_t>(wrote));
  }
}

void ErrorLog::write(std::string_view text) {
  while (!text.empty()) {
    const size_t line_feed = text.find('\n');
    if (line_feed == std::string_view::npos && line_.size() + text.size() <= line_bytes_max) {
      line_.append(text);
      return;
    }
    const size_t bytes = std::min({line_feed, text.size(), line_bytes_max});
    line_.append(text.substr(0, bytes));
    text.remove_prefix(bytes == line_feed ? bytes + 1 : bytes);
    if (line_.empty()) line_.push_back('\n');  // an empty line is still a line
    flush();
  }
}

void ErrorLog::flush() {
  if (line_.empty()) return;
  if (line_.back() != '\n') line_.push_back('\n');
  write_stderr(has_request_ ? log_prefix(request_id_) + line_ : line_);
  line_.clear();
}

PyObject* make_errors_type() {
  return PyType_FromSpec(&spec);
}

Errors* new_errors(PyObject* type) {
  Errors* const errors = PyObject_New(Errors, reinterpret_cast<PyTypeObject*>(type));
  if (errors) new (&errors->log) ErrorLog();
  return errors;
}

}  // namespace labcoat::python
