#include "python/scope.h"

#include "python/header_keys.h"
#include "python/latin1.h"
#include "python/names.h"
#include "python/objects.h"

namespace labcoat::python {
namespace {

Ref bytes_of(std::string_view text) {
  return Ref::steal(PyBytes_FromStringAndSize(text.data(), static_cast<Py_ssize_t>(text.size())));
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  }
  return lower;
}

// The path as the client sent it: without the query, and without scheme and authority of a target
// in absolute form (RFC 9112 section 3.2.2).
std::string_view raw_path_of(std::string_view target) {
  target = target.substr(0, target.find('?'));
  if (target.starts_with('/')) return target;
  const size_t authority = target.find("://");
  if (authority == std::string_view::npos) return target;
  const size_t path = target.find('/', authority + 3);
  return path == std::string_view::npos ? std::string_view("/") : target.substr(path);
}

// All that the client offers, in its order of preference.
Ref subprotocols_of(const channel::WorkerPort& port) {
  Ref list = Ref::steal(PyList_New(0));
  channel::FieldReader fields = port.fields();
  channel::NameValue field;
  while (list && fields.next(field)) {
    if (lower_case(field.name) != "sec-websocket-protocol") continue;
    std::string_view rest = field.value;
    while (!rest.empty()) {
      const size_t comma = rest.find(',');
      std::string_view one = rest.substr(0, comma);
      rest = comma == rest.npos ? std::string_view() : rest.substr(comma + 1);
      const size_t begin = one.find_first_not_of(" \t");
      if (begin == one.npos) continue;
      one = one.substr(begin, one.find_last_not_of(" \t") + 1 - begin);
      const Ref text = Ref::steal(str_of_latin1(one));
      if (!text || PyList_Append(list.get(), text.get()) < 0) return {};
    }
  }
  return list;
}

}  // namespace

FieldPairs::Entry* FieldPairs::find(std::string_view name) {
  size_t at = hash_of_name(name);
  for (; !table_[at & (table_size - 1)].spelled.empty(); ++at) {
    Entry& entry = table_[at & (table_size - 1)];
    if (entry.spelled == name) return &entry;
  }
  const bool remember = names_ < names_max && name.size() <= name_bytes_max;
  Entry& entry = remember ? table_[at & (table_size - 1)] : unremembered_;
  entry = Entry();
  const std::string lower = lower_case(name);
  entry.meaning = lower == "content-length"      ? Meaning::content_length
                  : lower == "transfer-encoding" ? Meaning::transfer_encoding
                                                 : Meaning::any;
  entry.name = bytes_of(lower);
  if (!entry.name) return nullptr;
  entry.spelled = name;
  if (remember) ++names_;
  return &entry;
}

Ref FieldPairs::pair_of(Entry& entry, std::string_view value) {
  if (entry.pair && entry.value == value) return Ref::share(entry.pair.get());
  const Ref bytes = bytes_of(value);
  Ref pair = bytes ? Ref::steal(PyTuple_Pack(2, entry.name.get(), bytes.get())) : Ref();
  if (pair && value.size() <= value_bytes_max) {
    entry.value = value;
    entry.pair = Ref::share(pair.get());
  }
  return pair;
}

PyObject* FieldPairs::list(const channel::WorkerPort& port) {
  const Py_ssize_t count = port.request().field_count;
  Ref list = Ref::steal(PyList_New(count));
  if (!list) return nullptr;
  channel::FieldReader fields = port.fields();
  channel::NameValue field;
  // The list is filled from the front; what Transfer-Encoding leaves over is cut off at the end.
  Py_ssize_t filled = 0;
  bool has_length = false;
  while (fields.next(field)) {
    Entry* const entry = find(field.name);
    if (!entry) return nullptr;
    if (entry->meaning == Meaning::transfer_encoding) continue;
    has_length |= entry->meaning == Meaning::content_length;
    Ref pair = pair_of(*entry, field.value);
    if (!pair) return nullptr;
    PyList_SetItem(list.get(), filled++, pair.release());
  }
  if (filled < count && PyList_SetSlice(list.get(), filled, count, nullptr) < 0) return nullptr;
  if (has_length || port.request().body_bytes == 0) return list.release();
  Entry* const length = find("content-length");
  const Ref pair = length ? pair_of(*length, std::to_string(port.request().body_bytes)) : Ref();
  return pair && PyList_Append(list.get(), pair.get()) == 0 ? list.release() : nullptr;
}

bool ScopeBuilder::Memo::keep(std::string_view now) {
  if (filled && bytes == now) return true;
  bytes = now;
  filled = true;
  return false;
}

bool ScopeBuilder::open(PyObject* state) {
  const Names& n = names();
  state_ = Ref::share(state);
  // 2.4: a send to a client that has gone raises OSError. 2.5: a disconnect has a reason.
  versions_ = Ref::steal(Py_BuildValue("{ssss}", "version", "3.0", "spec_version", "2.5"));
  extensions_ = Ref::steal(Py_BuildValue("{s{}s{}s{}}", "http.response.pathsend",
                                         "http.response.early_hint", "http.response.trailers"));
  socket_extensions_ = Ref::steal(Py_BuildValue("{s{}}", "websocket.http.response"));
  template_ = Ref::steal(PyDict_New());
  if (!versions_ || !extensions_ || !socket_extensions_ || !template_) return false;
  PyObject* const dict = template_.get();
  const std::pair<PyObject*, PyObject*> rows[] = {
      {n.type, n.http},        {n.asgi, Py_None},       {n.http_version, Py_None},
      {n.server, Py_None},     {n.client, Py_None},     {n.scheme, Py_None},
      {n.method, Py_None},     {n.root_path, n.empty},  {n.path, Py_None},
      {n.raw_path, Py_None},   {n.query, Py_None},      {n.headers, Py_None},
      {n.state, Py_None},      {n.extensions, Py_None}, {n.queue_wait, Py_None},
      {n.request_id, Py_None},
  };
  for (const auto& [key, value] : rows) {
    if (PyDict_SetItem(dict, key, value) < 0) return false;
  }
  return true;
}

bool ScopeBuilder::update_line(const channel::WorkerPort& port) {
  const Names& n = names();
  PyObject* const dict = template_.get();
  if (!method_.keep(port.method()) &&
      !set(dict, n.method, Ref::steal(str_of_latin1(port.method())))) {
    return false;
  }
  if (!root_path_.keep(port.script_name())) {
    const std::string_view root = port.script_name();
    const auto size = static_cast<Py_ssize_t>(root.size());
    Ref text = Ref::steal(PyUnicode_DecodeUTF8(root.data(), size, "replace"));
    if (!set(dict, n.root_path, std::move(text))) return false;
  }
  if (!path_.keep(port.path())) {
    const auto size = static_cast<Py_ssize_t>(port.path().size());
    Ref path = Ref::steal(PyUnicode_DecodeUTF8(port.path().data(), size, "replace"));
    if (!set(dict, n.path, std::move(path))) return false;
  }
  const std::string_view raw_path = raw_path_of(port.target());
  if (!raw_path_.keep(raw_path) && !set(dict, n.raw_path, bytes_of(raw_path))) return false;
  return query_.keep(port.query()) || set(dict, n.query, bytes_of(port.query()));
}

bool ScopeBuilder::update_flags(u32 flags) {
  flags &= channel::request_https | channel::request_http10 | channel::request_http2;
  if (flags_ == flags) return true;
  const Names& n = names();
  PyObject* const scheme = flags & channel::request_https ? n.https : n.http;
  PyObject* const version = flags & channel::request_http2    ? n.version_2
                            : flags & channel::request_http10 ? n.version_1_0
                                                              : n.version_1_1;
  if (PyDict_SetItem(template_.get(), n.scheme, scheme) < 0) return false;
  if (PyDict_SetItem(template_.get(), n.http_version, version) < 0) return false;
  flags_ = flags;
  return true;
}

bool ScopeBuilder::update_server(const channel::WorkerPort& port) {
  const int number = port.request().server_port;
  if (server_.keep(port.server_name()) && server_port_ == number) return true;
  server_port_ = number;
  const Ref name = Ref::steal(str_of_latin1(port.server_name()));
  if (!name) return false;
  Ref server = number != 0 ? Ref::steal(Py_BuildValue("(Oi)", name.get(), number))
                           : Ref::share(Py_None);  // a unix socket, whose path nobody told us
  return set(template_.get(), names().server, std::move(server));
}

PyObject* ScopeBuilder::peer(const channel::WorkerPort& port) {
  const int number = port.request().remote_port;
  if (number == 0 || port.remote_address().empty()) return Py_None;  // a unix socket
  Peer& known = peers_[static_cast<size_t>(number) & 255];
  if (known.port != number || known.address != port.remote_address()) {
    const Ref address = Ref::steal(str_of_latin1(port.remote_address()));
    known.pair = address ? Ref::steal(Py_BuildValue("(Oi)", address.get(), number)) : Ref();
    known.port = known.pair ? number : -1;
    known.address = port.remote_address();
  }
  return known.pair.get();
}

bool ScopeBuilder::fill(PyObject* scope, const channel::WorkerPort& port) {
  const Names& n = names();
  PyObject* const client = peer(port);
  const channel::RequestInfo& request = port.request();
  const double waited =
      static_cast<double>(port.taken_ns() - request.enqueued_ns + request.waited_before_ns) /
      seconds;
  // Copies, so that no request finds what another one wrote.
  return client && PyDict_SetItem(scope, n.client, client) == 0 &&
         set(scope, n.asgi, Ref::steal(PyDict_Copy(versions_.get()))) &&
         set(scope, n.extensions, Ref::steal(PyDict_Copy(extensions_.get()))) &&
         set(scope, n.state, Ref::steal(PyDict_Copy(state_.get()))) &&
         set(scope, n.headers, Ref::steal(fields_.list(port))) &&
         set(scope, n.queue_wait, Ref::steal(PyFloat_FromDouble(waited))) &&
         set(scope, n.request_id, hex_of(port.request().id));
}

PyObject* ScopeBuilder::build(const channel::WorkerPort& port) {
  if (!update_line(port) || !update_flags(port.request().flags) || !update_server(port)) {
    return nullptr;
  }
  Ref scope = Ref::steal(PyDict_Copy(template_.get()));
  return scope && fill(scope.get(), port) ? scope.release() : nullptr;
}

PyObject* ScopeBuilder::build_socket(const channel::WorkerPort& port) {
  const Names& n = names();
  const bool secure = (port.request().flags & channel::request_https) != 0;
  Ref scope = Ref::steal(build(port));
  PyObject* const dict = scope.get();
  const bool good = dict && PyDict_DelItem(dict, n.method) == 0 &&
                    PyDict_SetItem(dict, n.type, n.websocket) == 0 &&
                    PyDict_SetItem(dict, n.scheme, secure ? n.wss : n.ws) == 0 &&
                    set(dict, n.extensions, Ref::steal(PyDict_Copy(socket_extensions_.get()))) &&
                    set(dict, n.subprotocols, subprotocols_of(port));
  return good ? scope.release() : nullptr;
}

}  // namespace labcoat::python
