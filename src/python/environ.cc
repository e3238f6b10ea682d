#include "python/environ.h"

#include <charconv>

#include "python/latin1.h"
#include "python/names.h"
#include "python/objects.h"

namespace labcoat::python {
namespace {

bool set(PyObject* dict, const char* key, Ref value) {
  const Ref name = Ref::steal(PyUnicode_InternFromString(key));
  return name && set(dict, name.get(), std::move(value));
}

}  // namespace

bool EnvironBuilder::open(const Settings& settings) {
  const Names& n = names();
  template_ = Ref::steal(PyDict_New());
  if (!template_) return false;
  PyObject* const dict = template_.get();
  // Grown once to where the app's own keys fit as well: a copy keeps the size.
  for (int i = 0; i < 40; ++i) {
    const Ref number = Ref::steal(PyLong_FromLong(i));
    if (!number || PyDict_SetItem(dict, number.get(), Py_None) < 0) return false;
  }
  PyDict_Clear(dict);
  const Ref version = Ref::steal(Py_BuildValue("(ii)", 1, 0));
  return set(dict, n.request_method, Ref::share(n.empty)) &&
         set(dict, n.script_name, Ref::share(n.empty)) &&
         set(dict, n.path_info, Ref::share(n.empty)) &&
         set(dict, n.query_string, Ref::share(n.empty)) &&
         set(dict, "wsgi.version", Ref::share(version.get())) &&
         set(dict, "wsgi.multithread", Ref::steal(PyBool_FromLong(settings.multithread))) &&
         set(dict, "wsgi.multiprocess", Ref::steal(PyBool_FromLong(settings.multiprocess))) &&
         set(dict, "wsgi.run_once", Ref::share(Py_False)) &&
         set(dict, "wsgi.input_terminated", Ref::share(Py_True)) &&
         set(dict, "wsgi.file_wrapper", Ref::share(settings.file_wrapper));
}

bool EnvironBuilder::set_input(PyObject* input) {
  return PyDict_SetItem(template_.get(), names().input, input) == 0;
}

bool EnvironBuilder::set_errors(PyObject* errors) {
  return PyDict_SetItem(template_.get(), names().errors, errors) == 0;
}

bool EnvironBuilder::set_early_hints(PyObject* callable) {
  if (callable == early_hints_) return callable != nullptr;
  // The template holds it, so nothing else can come to lie at its address.
  early_hints_ = callable;
  return PyDict_SetItem(template_.get(), names().early_hints, callable) == 0;
}

bool EnvironBuilder::update(PyObject* key, PyObject* second_key, Memo& memo,
                            std::string_view bytes) {
  if (memo.filled && memo.bytes == bytes) return true;
  const Ref text = Ref::steal(str_of_latin1(bytes));
  if (!text || PyDict_SetItem(template_.get(), key, text.get()) < 0) return false;
  if (second_key && PyDict_SetItem(template_.get(), second_key, text.get()) < 0) return false;
  memo.bytes = bytes;
  memo.filled = true;
  return true;
}

bool EnvironBuilder::update_port(PyObject* key, int& memo, int port) {
  if (memo == port) return true;
  if (!set(template_.get(), key, text_of_port(port))) return false;
  memo = port;
  return true;
}

Ref EnvironBuilder::text_of_port(int port) {
  if (port == 0) return Ref::share(names().empty);  // a client on a unix socket has none
  PortText& known = ports_[static_cast<size_t>(port) & 255];
  if (known.port != port) {
    char digits[8];
    const auto end = std::to_chars(digits, digits + sizeof digits, port).ptr;
    known.text = Ref::steal(PyUnicode_FromStringAndSize(digits, end - digits));
    known.port = known.text ? port : -1;
  }
  return Ref::share(known.text.get());
}

bool EnvironBuilder::update_flags(u32 flags) {
  flags &= channel::request_https | channel::request_http10 | channel::request_http2;
  if (flags_ == flags) return true;
  const Names& n = names();
  PyObject* const scheme = flags & channel::request_https ? n.https : n.http;
  PyObject* const protocol = flags & channel::request_http2    ? n.http_2
                             : flags & channel::request_http10 ? n.http_1_0
                                                               : n.http_1_1;
  if (PyDict_SetItem(template_.get(), n.url_scheme, scheme) < 0) return false;
  if (PyDict_SetItem(template_.get(), n.server_protocol, protocol) < 0) return false;
  flags_ = flags;
  return true;
}

PyObject* EnvironBuilder::build(const channel::WorkerPort& port, i64 taken_ns) {
  const Names& n = names();
  const channel::RequestInfo& request = port.request();
  const bool https = (request.flags & channel::request_https) != 0;
  // PEP 3333: SERVER_NAME and SERVER_PORT are never empty, also on a unix socket.
  const int server_port = request.server_port != 0 ? request.server_port : https ? 443 : 80;
  const std::string_view server_name =
      port.server_name().empty() ? std::string_view("localhost") : port.server_name();
  const bool current = update(n.request_method, nullptr, method_, port.method()) &&
                       update(n.request_uri, n.raw_uri, target_, port.target()) &&
                       update(n.script_name, nullptr, script_name_, port.script_name()) &&
                       update(n.path_info, nullptr, path_, port.path_info()) &&
                       update(n.query_string, nullptr, query_, port.query()) &&
                       update(n.server_name, nullptr, server_name_, server_name) &&
                       update(n.remote_addr, nullptr, remote_address_, port.remote_address()) &&
                       update_port(n.server_port, server_port_, server_port) &&
                       update_port(n.remote_port, remote_port_, request.remote_port) &&
                       update_flags(request.flags);
  if (!current) return nullptr;
  const double waited =
      static_cast<double>(taken_ns - request.enqueued_ns + request.waited_before_ns) / seconds;
  if (!set(template_.get(), n.queue_wait, Ref::steal(PyFloat_FromDouble(waited))) ||
      !set(template_.get(), n.request_id, hex_of(request.id))) {
    return nullptr;
  }
  Ref environ = Ref::steal(PyDict_Copy(template_.get()));
  if (!environ || !add_headers(environ.get(), port)) return nullptr;
  return environ.release();
}

bool EnvironBuilder::add_headers(PyObject* environ, const channel::WorkerPort& port) {
  ++request_number_;
  bool has_length = false;
  channel::FieldReader fields = port.fields();
  channel::NameValue field;
  while (fields.next(field)) {
    HeaderKey* const key = keys_.find(field.name);
    if (!key) return false;
    if (key->kind == HeaderKey::Kind::dropped) continue;
    has_length |= key->kind == HeaderKey::Kind::content_length;
    if (key->seen_in == request_number_ || key->seen_in == 0) {
      // Seen already, or not remembered, so that nobody knows.
      if (!join(environ, *key, field.value)) return false;
    } else {
      const Ref value = Ref::steal(HeaderKeys::value_of(*key, field.value));
      if (!value || PyDict_SetItem(environ, key->key.get(), value.get()) < 0) return false;
    }
    key->seen_in = request_number_;
  }
  // A chunked body is complete by now, so its length is known: apps need not know of chunks.
  if (has_length || port.request().body_bytes == 0) return true;
  return set(environ, names().content_length,
             Ref::steal(PyUnicode_FromFormat("%lld", port.request().body_bytes)));
}

bool EnvironBuilder::join(PyObject* environ, HeaderKey& key, std::string_view value) {
  Ref text = Ref::steal(HeaderKeys::value_of(key, value));
  if (!text) return false;
  PyObject* const before = PyDict_GetItemWithError(environ, key.key.get());
  if (!before && PyErr_Occurred()) return false;
  if (before) {
    const char* const format = key.kind == HeaderKey::Kind::cookie ? "%U; %U" : "%U,%U";
    text = Ref::steal(PyUnicode_FromFormat(format, before, text.get()));
    if (!text) return false;
  }
  return PyDict_SetItem(environ, key.key.get(), text.get()) == 0;
}

std::string EnvironBuilder::request_line() const {
  return method_.bytes + " " + target_.bytes;
}

}  // namespace labcoat::python
