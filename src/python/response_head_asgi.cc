// The part of ResponseHead that reads ASGI's http.response.start: pairs of bytes.
#include <optional>

#include "python/header_rules.h"
#include "python/response_head.h"

namespace labcoat::python {
namespace {

// The bytes of a name or a value; nothing with an exception.
std::optional<std::string_view> view_of(const char* who, PyObject* object, PyObject* field) {
  if (!PyBytes_Check(object)) {
    PyErr_Format(PyExc_TypeError, "%s: name and value of a header must be bytes: %R", who, field);
    return std::nullopt;
  }
  char* at;
  Py_ssize_t count;
  PyBytes_AsStringAndSize(object, &at, &count);
  return std::string_view(at, static_cast<size_t>(count));
}

bool refuse(const char* who, const char* why, PyObject* what) {
  PyErr_Format(PyExc_ValueError, "%s: %s %R", who, why, what);
  return false;
}

}  // namespace

bool ResponseHead::set_asgi(int code, std::string_view reason, PyObject* headers,
                            size_t bytes_max) {
  is_set_ = false;
  content_length_ = -1;
  sizes_.clear();
  code_ = code;
  known_status_ = Ref();
  text_.assign(reason);
  reason_bytes_ = reason.size();
  is_set_ = add_asgi_fields("http.response.start", headers) &&
            check_size("http.response.start", bytes_max);
  return is_set_;
}

bool ResponseHead::set_asgi_fields(const char* who, PyObject* headers, size_t bytes_max) {
  clear();
  text_.clear();
  sizes_.clear();
  reason_bytes_ = 0;
  content_length_ = -1;
  return add_asgi_fields(who, headers) && check_size(who, bytes_max);
}

bool ResponseHead::add_asgi_fields(const char* who, PyObject* headers) {
  // A list as it is; anything else that can be walked becomes one.
  const Ref list =
      PyList_Check(headers) ? Ref::share(headers) : Ref::steal(PySequence_List(headers));
  if (!list) return false;
  // No Python code runs in here but that of pairs which are neither list nor tuple: so the size is
  // looked at each time.
  for (Py_ssize_t i = 0; i < PyList_Size(list.get()); ++i) {
    const Ref field = Ref::share(PyList_GetItem(list.get(), i));
    if (!add_asgi_field(who, field.get())) return false;
  }
  return true;
}

bool ResponseHead::add_asgi_field(const char* who, PyObject* field) {
  const Ref pair = PyTuple_Check(field) ? Ref::share(field) : Ref::steal(PySequence_Tuple(field));
  if (!pair) return false;
  if (PyTuple_Size(pair.get()) != 2) {
    return refuse(who, "a header must be a pair (name, value), not", field);
  }
  PyObject* const value_object = PyTuple_GetItem(pair.get(), 1);
  const auto name = view_of(who, PyTuple_GetItem(pair.get(), 0), field);
  const auto value = name ? view_of(who, value_object, field) : std::nullopt;
  if (!value) return false;
  if (!is_token(*name)) return refuse(who, "no header name in", field);
  if (has_control(*value)) {
    return refuse(who, "a control character (a line break would begin another header) in", field);
  }
  if (is_content_length(*name)) return take_content_length(value_object, *value);
  if (is_hop_by_hop(*name)) return true;
  text_.append(*name).append(*value);
  sizes_.push_back({static_cast<u32>(name->size()), static_cast<u32>(value->size())});
  return true;
}

}  // namespace labcoat::python
