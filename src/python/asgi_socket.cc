// The app's side of a WebSocket: what it may send when, and the ways it ends. asgi_socket_inbox.cc
// has what it receives.
#include "python/asgi_socket.h"

#include <algorithm>

#include "python/app_error.h"
#include "python/asgi_endpoint.h"
#include "python/header_rules.h"
#include "python/names.h"
#include "python/ready.h"
#include "python/vectorcall.h"

namespace labcoat::python {
namespace {

using Kind = channel::WorkerPort::MessageKind;

constexpr u16 code_normal = 1000, code_internal_error = 1011;

// Borrowed; nullptr when there is no such key or its value is None, or with an exception.
PyObject* find(PyObject* event, PyObject* key) {
  PyObject* const value = PyDict_GetItemWithError(event, key);
  return value == Py_None ? nullptr : value;
}

// RFC 6455 section 7.4: those that may be sent.
bool is_close_code(long code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

}  // namespace

AsgiSocket::AsgiSocket(AsgiEndpoint& endpoint, PyObject* self)
    : AsgiCall(endpoint, self),
      response_(endpoint.port(), endpoint.control(), endpoint.reasons(), endpoint.id()) {}

bool AsgiSocket::begin(PyObject* app, PyObject* scope) {
  remember_line();
  response_.open();
  holds_slot_ = true;
  const Ref receive = Ref::steal(endpoint_.new_socket_receive(self_));
  const Ref send = receive ? Ref::steal(endpoint_.new_socket_send(self_)) : Ref();
  if (!scope || !send) return false;
  return call_app(app, scope, receive.get(), send.get());
}

void AsgiSocket::refresh() {
  if (!holds_slot_) return;
  endpoint_.port().use(taken_);
  if (endpoint_.port().cancelled()) let_go();
}

PyObject* AsgiSocket::send(PyObject* event) {
  if (!check_event(event)) return nullptr;
  refresh();
  if (gone_) return endpoint_.raise_disconnected();
  if (!holds_slot_) {
    return PyErr_Format(PyExc_RuntimeError, "%R was sent after the WebSocket was closed", event);
  }
  if (pending_ || response_.pending()) {
    return PyObject_CallFunctionObjArgs(endpoint_.hooks().send_later.get(), self_, event, nullptr);
  }
  return dispatch(event);
}

PyObject* AsgiSocket::dispatch(PyObject* event) {
  PyObject* const type = type_of(event);
  if (!type) return nullptr;
  PyObject* const done = state_ == State::open ? send_open(event, type) : send_asked(event, type);
  endpoint_.has_output();
  return done;
}

PyObject* AsgiSocket::send_open(PyObject* event, PyObject* type) {
  if (is_type(type, "websocket.send")) {
    if (!send_message(event)) return nullptr;
    if (pending_) return call_with(endpoint_.hooks().drain.get(), self_);
    if (is_turn_over()) return PyObject_CallNoArgs(endpoint_.hooks().pause.get());
    return ready_none();
  }
  if (is_type(type, "websocket.close")) return close(event) ? ready_none() : nullptr;
  return PyErr_Format(PyExc_RuntimeError, "send: there is no event %R for an open WebSocket", type);
}

PyObject* AsgiSocket::send_asked(PyObject* event, PyObject* type) {
  if (is_type(type, "websocket.http.response.start")) {
    if (!response_.start(event)) return nullptr;
    state_ = State::denied;
    return ready_none();
  }
  if (is_type(type, "websocket.http.response.body")) {
    return response_.body(event) ? after_response() : nullptr;
  }
  if (state_ == State::asked && is_type(type, "websocket.accept")) {
    return accept(event) ? ready_none() : nullptr;
  }
  if (state_ == State::asked && is_type(type, "websocket.close")) {
    deny();
    return ready_none();
  }
  return PyErr_Format(PyExc_RuntimeError,
                      "send: there is no event %R for a WebSocket that is not accepted", type);
}

PyObject* AsgiSocket::after_response() {
  if (response_.ended()) {
    state_ = State::closed;
    release();
    return ready_none();
  }
  return response_.pending() ? call_with(endpoint_.hooks().drain.get(), self_) : ready_none();
}

bool AsgiSocket::accept(PyObject* event) {
  const Names& n = names();
  PyObject* const subprotocol = find(event, n.subprotocol);
  PyObject* const headers = subprotocol || !PyErr_Occurred() ? find(event, n.headers) : nullptr;
  if (PyErr_Occurred()) return false;
  std::string_view protocol;
  if (subprotocol) {
    Py_ssize_t bytes = 0;
    const char* const text =
        PyUnicode_Check(subprotocol) ? PyUnicode_AsUTF8AndSize(subprotocol, &bytes) : nullptr;
    if (text) protocol = {text, static_cast<size_t>(bytes)};
    if (!is_token(protocol)) {
      PyErr_Clear();
      PyErr_Format(PyExc_ValueError, "websocket.accept: %R is no subprotocol", subprotocol);
      return false;
    }
  }
  const Ref none = headers ? Ref() : Ref::steal(PyList_New(0));
  if (!headers && !none) return false;
  channel::WorkerPort& port = endpoint_.port();
  ResponseHead head;
  // The field of the subprotocol and its length come on top.
  const size_t bytes_max = port.head_bytes_max() - protocol.size() - 64;
  if (!head.set_asgi(101, "", headers ? headers : none.get(), bytes_max)) return false;
  const auto given = head.fields();
  std::vector<channel::NameValue> fields(given.begin(), given.end());
  if (!protocol.empty()) fields.push_back({"sec-websocket-protocol", protocol});
  port.accept_socket(fields);
  port.flush();
  state_ = State::open;
  counted_as_open_ = true;
  endpoint_.socket_opened();
  return true;
}

bool AsgiSocket::send_message(PyObject* event) {
  const Names& n = names();
  PyObject* const text = find(event, n.text);
  if (!text && PyErr_Occurred()) return false;
  PyObject* const bytes = find(event, n.bytes);
  if (!bytes && PyErr_Occurred()) return false;
  if (!text == !bytes) {
    PyErr_SetString(PyExc_ValueError, "websocket.send: either text or bytes must be given");
    return false;
  }
  Ref held;
  Py_ssize_t size = 0;
  const char* at = nullptr;
  if (text) {
    if (!PyUnicode_Check(text)) {
      PyErr_Format(PyExc_TypeError, "websocket.send: text must be a str, not %R",
                   reinterpret_cast<PyObject*>(Py_TYPE(text)));
      return false;
    }
    held = Ref::share(text);
    at = PyUnicode_AsUTF8AndSize(text, &size);
  } else {
    const bool is_view = PyByteArray_Check(bytes) || PyMemoryView_Check(bytes);
    held = is_view ? Ref::steal(PyBytes_FromObject(bytes)) : Ref::share(bytes);
    if (held && !PyBytes_Check(held.get())) {
      PyErr_Format(PyExc_TypeError, "websocket.send: bytes must be bytes, not %R",
                   reinterpret_cast<PyObject*>(Py_TYPE(bytes)));
      return false;
    }
    char* data = nullptr;
    if (held && PyBytes_AsStringAndSize(held.get(), &data, &size) == 0) at = data;
  }
  if (!at) return false;
  kind_ = text ? Kind::text : Kind::binary;
  rest_ = {at, static_cast<size_t>(size)};
  if (!endpoint_.port().write_message(kind_, rest_)) pending_ = std::move(held);
  endpoint_.port().flush();
  return true;
}

bool AsgiSocket::close(PyObject* event) {
  const Names& n = names();
  PyObject* const code = find(event, n.code);
  PyObject* const reason = code || !PyErr_Occurred() ? find(event, n.reason) : nullptr;
  if (PyErr_Occurred()) return false;
  const long number = code ? PyLong_AsLong(code) : code_normal;
  if (number == -1 && PyErr_Occurred()) return false;
  if (!is_close_code(number)) {
    PyErr_Format(PyExc_ValueError, "websocket.close: %ld is no code that may be sent", number);
    return false;
  }
  Py_ssize_t bytes = 0;
  const char* const text = reason ? PyUnicode_AsUTF8AndSize(reason, &bytes) : "";
  if (!text) return false;
  if (bytes > static_cast<Py_ssize_t>(channel::close_reason_bytes_max)) {
    PyErr_SetString(PyExc_ValueError, "websocket.close: the reason is longer than 123 bytes");
    return false;
  }
  finish_with(static_cast<u16>(number), {text, static_cast<size_t>(bytes)});
  return true;
}

// The slot goes to the edge, which closes with the client by itself.
void AsgiSocket::finish_with(u16 code, std::string_view reason) {
  code_ = code;
  reason_ = reason;
  state_ = State::closed;
  pending_ = Ref();
  endpoint_.port().write_close(code, reason);
  endpoint_.port().finish(channel::WorkerPort::Ending::complete);
  release();
}

void AsgiSocket::deny() {
  state_ = State::closed;
  endpoint_.port().write_head(403, 0, "Forbidden", {});
  endpoint_.port().finish(channel::WorkerPort::Ending::complete);
  release();
}

void AsgiSocket::close_with(u16 code, std::string_view reason) {
  refresh();
  if (!holds_slot_ || state_ != State::open) return;
  keep_inbox();
  gone_ = true;
  finish_with(code, reason);
}

void AsgiSocket::edge_lost() {
  if (holds_slot_) endpoint_.port().use(taken_);
  if (holds_slot_) let_go();
}

PyObject* AsgiSocket::write_pending() {
  if (!may_call()) return nullptr;
  refresh();
  if (gone_) return endpoint_.raise_disconnected();
  if (holds_slot_ && response_.pending()) {
    response_.write_pending();
    endpoint_.has_output();
    if (response_.ended()) {
      state_ = State::closed;
      release();
    }
  }
  if (holds_slot_ && pending_) {
    if (endpoint_.port().write_message(kind_, rest_)) pending_ = Ref();
    endpoint_.port().flush();
    endpoint_.has_output();
  }
  return PyBool_FromLong(!pending_ && !response_.pending());
}

PyObject* AsgiSocket::room() {
  if (!may_call()) return nullptr;
  PyObject* const future = new_waiter(writers_);
  if (!future) return nullptr;
  refresh();
  const size_t wanted = response_.pending() ? response_.room_wanted()
                                            : endpoint_.port().room_worth_waiting_for(rest_.size());
  if (!holds_slot_ || endpoint_.port().ask_for_room(wanted)) wake(writers_);
  endpoint_.has_output();
  return future;
}

void AsgiSocket::end_returned() {
  if (state_ == State::open) {
    finish_with(code_normal, {});
    return;
  }
  log_problem(id_, request_line_, "the application returned without accepting or refusing");
  end_failed();
}

void AsgiSocket::end_failed() {
  if (state_ == State::open) {
    finish_with(code_internal_error, {});
    return;
  }
  state_ = State::closed;
  response_.fail(failure_status());
  release();
}

// The client is gone. The slot is given back at once; the app hears of it when it asks.
void AsgiSocket::let_go() {
  gone_ = true;
  keep_inbox();
  state_ = State::closed;
  pending_ = Ref();
  endpoint_.port().finish(channel::WorkerPort::Ending::broken);
  release();
}

void AsgiSocket::release() {
  holds_slot_ = false;
  endpoint_.forget_socket(taken_.slot);
  endpoint_.has_output();
  wake(readers_);
  wake(writers_);
}

void AsgiSocket::count_end() {
  endpoint_.socket_done(counted_as_open_);
}

// The caller's; nullptr with an exception.
PyObject* AsgiSocket::new_waiter(std::vector<Ref>& waiters) {
  std::erase_if(waiters, [this](const Ref& one) { return endpoint_.is_done(one.get()); });
  Ref future = Ref::steal(PyObject_CallNoArgs(endpoint_.hooks().create_future.get()));
  if (!future) return nullptr;
  PyObject* const result = Ref::share(future.get()).release();
  waiters.push_back(std::move(future));
  return result;
}

void AsgiSocket::wake(std::vector<Ref>& waiters) {
  std::vector<Ref> woken;
  woken.swap(waiters);
  for (const Ref& future : woken) endpoint_.set_done(future.get());
}

void AsgiSocket::look() {
  refresh();
  wake(readers_);
  wake(writers_);
}

}  // namespace labcoat::python
