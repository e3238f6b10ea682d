#include "python/response_head.h"

#include "python/header_rules.h"
#include "python/latin1.h"
#include "python/objects.h"

namespace labcoat::python {
namespace {

using channel::FieldHeader;
using channel::NameValue;

}  // namespace

bool ResponseHead::set(PyObject* status, PyObject* headers, size_t bytes_max) {
  is_set_ = false;
  content_length_ = -1;
  text_.clear();
  sizes_.clear();
  if (!set_status(status) || !add_fields(headers)) return false;
  is_set_ = check_size("start_response", bytes_max);
  return is_set_;
}

bool ResponseHead::set_fields(PyObject* headers, size_t bytes_max) {
  clear();
  text_.clear();
  sizes_.clear();
  reason_bytes_ = 0;
  known_status_ = Ref();
  return add_fields(headers) && check_size("wsgi.early_hints", bytes_max);
}

bool ResponseHead::add_fields(PyObject* headers) {
  const bool is_list = PyList_Check(headers);
  if (!is_list && !PyTuple_Check(headers)) {
    return refuse(PyExc_TypeError, "start_response: headers must be a list of tuples, not %R",
                  reinterpret_cast<PyObject*>(Py_TYPE(headers)));
  }
  const Py_ssize_t count = is_list ? PyList_Size(headers) : PyTuple_Size(headers);
  for (Py_ssize_t i = 0; i < count; ++i) {
    // No Python code runs in here, so the list cannot change under us.
    PyObject* const field = is_list ? PyList_GetItem(headers, i) : PyTuple_GetItem(headers, i);
    if (!add_field(field, static_cast<size_t>(i))) return false;
  }
  return true;
}

bool ResponseHead::check_size(const char* who, size_t bytes_max) const {
  if (text_.size() + sizes_.size() * sizeof(FieldHeader) <= bytes_max) return true;
  PyErr_Format(PyExc_ValueError, "%s: the headers are %zu bytes, the limit is %zu", who,
               text_.size(), bytes_max);
  return false;
}

bool ResponseHead::set_status(PyObject* status) {
  if (status == known_status_.get()) {
    code_ = known_code_;
    text_ = known_reason_;
    reason_bytes_ = text_.size();
    return true;
  }
  if (!PyUnicode_Check(status)) {
    return refuse(PyExc_TypeError, "start_response: status must be a str like '200 OK', not %R",
                  status);
  }
  if (!append_latin1(status, text_)) {
    return refuse(PyExc_ValueError, "start_response: status %R is not latin-1", status);
  }
  const auto parsed = parse_status(text_);
  if (!parsed) {
    return refuse(PyExc_ValueError,
                  "start_response: status must look like '200 OK', with a code from 200 to 599, "
                  "not %R",
                  status);
  }
  code_ = known_code_ = parsed->code;
  text_.erase(0, 4);
  known_reason_ = text_;
  known_status_ = Ref::share(status);
  reason_bytes_ = text_.size();
  return true;
}

// False: it would be a second Content-Length that says something else.
bool ResponseHead::add_known(const KnownField& known) {
  if (known.content_length >= 0) {
    if (content_length_ >= 0 && content_length_ != known.content_length) return false;
    content_length_ = known.content_length;
    return true;
  }
  text_.append(known.text);
  sizes_.push_back(
      {static_cast<u32>(known.name_bytes), static_cast<u32>(known.text.size() - known.name_bytes)});
  return true;
}

bool ResponseHead::add_field(PyObject* field, size_t place) {
  const KnownField* const known = known_.at(place);
  if (known && field == known->pair.get() && add_known(*known)) return true;
  if (!PyTuple_Check(field) || PyTuple_Size(field) != 2) {
    return refuse(PyExc_TypeError, "start_response: a header must be a tuple (name, value), not %R",
                  field);
  }
  PyObject* const name = PyTuple_GetItem(field, 0);
  PyObject* const value = PyTuple_GetItem(field, 1);
  const bool known_name = known && name == known->name.get();
  if (known_name && value == known->value.get() && add_known(*known)) return true;
  if (!PyUnicode_Check(name) || !PyUnicode_Check(value)) {
    return refuse(PyExc_TypeError, "start_response: name and value of a header must be str: %R",
                  field);
  }
  const size_t start = text_.size();
  if (known_name) {
    text_.append(known->name_text());
  } else if (!add_name(name)) {
    return false;
  }
  const size_t middle = text_.size();
  if (!add_value(name, value)) return false;
  const std::string_view text = std::string_view(text_).substr(start);
  if (is_content_length(text.substr(0, middle - start))) {
    if (!take_content_length(value, text.substr(middle - start))) return false;
    known_.remember(place, field, text, middle - start, content_length_);
    text_.resize(start);
    return true;
  }
  known_.remember(place, field, text, middle - start, -1);
  sizes_.push_back({static_cast<u32>(middle - start), static_cast<u32>(text_.size() - middle)});
  return true;
}

bool ResponseHead::add_name(PyObject* name) {
  const size_t start = text_.size();
  if (!append_latin1(name, text_) || !is_token(std::string_view(text_).substr(start))) {
    return refuse(PyExc_ValueError, "start_response: %R is not a header name", name);
  }
  if (is_hop_by_hop(std::string_view(text_).substr(start))) {
    return refuse(PyExc_ValueError,
                  "start_response: header %R belongs to the connection and is the server's to set",
                  name);
  }
  return true;
}

bool ResponseHead::add_value(PyObject* name, PyObject* value) {
  const size_t start = text_.size();
  if (!append_latin1(value, text_)) {
    return refuse(PyExc_ValueError, "start_response: the value of header %R is not latin-1", name);
  }
  if (has_control(std::string_view(text_).substr(start))) {
    return refuse(PyExc_ValueError,
                  "start_response: the value of header %R has a control character (a line break "
                  "would begin another header)",
                  name);
  }
  return true;
}

bool ResponseHead::take_content_length(PyObject* value, std::string_view bytes) {
  const auto length = parse_content_length(bytes);
  if (!length || (content_length_ >= 0 && content_length_ != *length)) {
    return refuse(PyExc_ValueError, "Content-Length must be one whole number of bytes, not %R",
                  value);
  }
  content_length_ = *length;
  return true;
}

void ResponseHead::set_plain(int code, std::string_view reason) {
  code_ = code;
  content_length_ = -1;
  text_.assign(reason);
  reason_bytes_ = reason.size();
  sizes_.clear();
  constexpr std::string_view name = "Content-Type", value = "text/plain; charset=utf-8";
  text_.append(name).append(value);
  sizes_.push_back({name.size(), value.size()});
  is_set_ = true;
}

std::span<const NameValue> ResponseHead::fields() {
  views_.clear();
  const char* at = text_.data() + reason_bytes_;
  for (const FieldHeader& size : sizes_) {
    views_.push_back({{at, size.name_bytes}, {at + size.name_bytes, size.value_bytes}});
    at += size.name_bytes + size.value_bytes;
  }
  return views_;
}

}  // namespace labcoat::python
