#include "python/app_error.h"

#include <string>

#include "python/errors.h"
#include "python/ref.h"

namespace labcoat::python {
namespace {

// As Python prints it; empty when even that fails.
std::string format_exception(PyObject* type, PyObject* value, PyObject* traceback) {
  const Ref module = Ref::steal(PyImport_ImportModule("traceback"));
  if (!module) return {};
  const Ref lines = Ref::steal(PyObject_CallMethod(module.get(), "format_exception", "OOO", type,
                                                   value, traceback ? traceback : Py_None));
  const Ref nothing = Ref::steal(PyUnicode_FromString(""));
  if (!lines || !nothing) return {};
  const Ref text = Ref::steal(PyUnicode_Join(nothing.get(), lines.get()));
  if (!text) return {};
  const Ref bytes = Ref::steal(PyUnicode_AsEncodedString(text.get(), "utf-8", "backslashreplace"));
  if (!bytes) return {};
  return {PyBytes_AsString(bytes.get()), static_cast<size_t>(PyBytes_Size(bytes.get()))};
}

}  // namespace

void log_exception(u64 request_id, std::string_view request_line, std::string_view what) {
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  PyErr_NormalizeException(&type, &value, &traceback);
  const Ref owners[] = {Ref::steal(type), Ref::steal(value), Ref::steal(traceback)};
  std::string text;
  text.append(log_prefix(request_id)).append(request_line).append(": ").append(what).append("\n");
  std::string trace = type ? format_exception(type, value, traceback) : std::string();
  PyErr_Clear();
  if (trace.empty()) trace = "(the exception could not be printed)\n";
  write_stderr(text + trace);
}

void log_problem(u64 request_id, std::string_view request_line, std::string_view what) {
  std::string text;
  text.append(log_prefix(request_id)).append(request_line).append(": ").append(what).append("\n");
  write_stderr(text);
}

}  // namespace labcoat::python
