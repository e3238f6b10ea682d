// ResponseHead holds what the app gave to start_response (WSGI) or said with http.response.start
// (ASGI) until the first byte of the body decides that it is sent: checked, as bytes, and copied,
// because the app may change its list afterwards.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "channel/worker_port.h"
#include "python/known_fields.h"
#include "python/ref.h"

namespace labcoat::python {

class ResponseHead {
 public:
  // False with a Python exception that says which header is wrong and why; the head is then unset.
  // `bytes_max`: of reason and fields together, 8 more for each field.
  bool set(PyObject* status, PyObject* headers, size_t bytes_max);
  // The same for ASGI: a number, and an iterable of pairs of bytes. What belongs to the connection
  // (Transfer-Encoding, Connection, ...) is left out: ASGI makes it the server's business.
  bool set_asgi(int code, std::string_view reason, PyObject* headers, size_t bytes_max);
  // Fields without a head: of early hints, or of trailers. `who` names them in exceptions.
  bool set_fields(PyObject* headers, size_t bytes_max);
  bool set_asgi_fields(const char* who, PyObject* headers, size_t bytes_max);
  // For answers of our own; the texts are known to be right.
  void set_plain(int code, std::string_view reason);
  void clear() { is_set_ = false; }

  bool is_set() const { return is_set_; }
  int code() const { return code_; }
  // What the app's Content-Length says; -1: it gave none. The field itself is not among fields():
  // the edge writes it.
  i64 content_length() const { return content_length_; }
  std::string_view reason() const { return std::string_view(text_).substr(0, reason_bytes_); }
  // Valid until the next change.
  std::span<const channel::NameValue> fields();

 private:
  bool set_status(PyObject* status);
  bool add_name(PyObject* name);
  bool add_value(PyObject* name, PyObject* value);
  bool take_content_length(PyObject* value, std::string_view bytes);
  bool add_field(PyObject* field, size_t place);
  bool add_known(const KnownField& known);
  bool add_fields(PyObject* headers);
  bool add_asgi_fields(const char* who, PyObject* headers);
  bool add_asgi_field(const char* who, PyObject* field);
  bool check_size(const char* who, size_t bytes_max) const;

  bool is_set_ = false;
  int code_ = 0;
  i64 content_length_ = -1;
  std::string text_;  // reason, then name and value of each field, without separators
  size_t reason_bytes_ = 0;
  // Apps pass the same few status strings again and again, mostly the very same object.
  Ref known_status_;
  int known_code_ = 0;
  std::string known_reason_;
  KnownFields known_;
  std::vector<channel::FieldHeader> sizes_;
  std::vector<channel::NameValue> views_;
};

}  // namespace labcoat::python
