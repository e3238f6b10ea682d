#include "python/asgi_request.h"

#include <algorithm>

#include "python/app_error.h"
#include "python/asgi_endpoint.h"
#include "python/names.h"
#include "python/ready.h"
#include "python/vectorcall.h"

namespace labcoat::python {
namespace {

// Of a large request body, one http.request event.
constexpr i64 piece_bytes_max = 64 * 1024;
// A stream whose client is fast never has to wait; after so many pieces it lets others have a turn.
constexpr u32 pieces_per_turn = 32;

}  // namespace

AsgiRequest::AsgiRequest(AsgiEndpoint& endpoint, PyObject* self)
    : AsgiCall(endpoint, self),
      response_(endpoint.port(), endpoint.control(), endpoint.reasons(), endpoint.id()) {}

AsgiRequest::~AsgiRequest() {
  endpoint_.forget(*this);
}

bool AsgiRequest::begin(PyObject* app, PyObject* scope) {
  channel::WorkerPort& port = endpoint_.port();
  remember_line();
  body_.open(port, endpoint_.control(), endpoint_.id());
  response_.open();
  holds_slot_ = true;
  const Ref receive = Ref::steal(endpoint_.new_receive(self_));
  const Ref send = receive ? Ref::steal(endpoint_.new_send(self_)) : Ref();
  if (!scope || !send) return false;
  return call_app(app, scope, receive.get(), send.get());
}

// The port is shared by all requests of the endpoint.
void AsgiRequest::use_slot() {
  endpoint_.port().use(taken_);
  if (endpoint_.port().cancelled()) let_go();
}

void AsgiRequest::refresh() {
  if (holds_slot_) use_slot();
}

PyObject* AsgiRequest::receive() {
  if (!may_call()) return nullptr;
  if (holds_slot_) use_slot();
  if (!holds_slot_) return new_ready(event_of(names().http_disconnect));
  // A client that has sent all and shut its side is still owed what it has sent.
  if (!body_given_) return body_event();
  if (over()) return new_ready(event_of(names().http_disconnect));
  return call_with(endpoint_.hooks().listen.get(), self_);
}

PyObject* AsgiRequest::body_event() {
  const i64 bytes = std::min(body_.left(), piece_bytes_max);
  Ref block = Ref::steal(PyBytes_FromStringAndSize(nullptr, bytes));
  if (!block) return nullptr;
  if (bytes > 0) {
    const auto got = body_.read(PyBytes_AsString(block.get()), static_cast<size_t>(bytes));
    if (!got) {
      // The edge gives no file for a request that was cancelled meanwhile.
      use_slot();
      if (gone_) return new_ready(event_of(names().http_disconnect));
      PyErr_Format(PyExc_OSError, "http.request: %s", got.error().text.c_str());
      return nullptr;
    }
  }
  body_given_ = body_.left() == 0;
  const Names& n = names();
  Ref event = event_of(n.http_request);
  if (!event || PyDict_SetItem(event.get(), n.body, block.get()) < 0 ||
      PyDict_SetItem(event.get(), n.more_body, body_given_ ? Py_False : Py_True) < 0) {
    return nullptr;
  }
  return new_ready(std::move(event));
}

PyObject* AsgiRequest::send(PyObject* event) {
  if (!check_event(event)) return nullptr;
  if (holds_slot_) use_slot();
  if (gone_) return endpoint_.raise_disconnected();
  if (!holds_slot_) {
    return PyErr_Format(PyExc_RuntimeError, "%R was sent after the response was complete", event);
  }
  if (response_.pending()) {
    return PyObject_CallFunctionObjArgs(endpoint_.hooks().send_later.get(), self_, event, nullptr);
  }
  return dispatch(event);
}

PyObject* AsgiRequest::dispatch(PyObject* event) {
  PyObject* const type = type_of(event);
  if (!type) return nullptr;
  if (is_type(type, "http.response.body")) {
    if (!response_.body(event)) return nullptr;
  } else if (is_type(type, "http.response.start")) {
    return response_.start(event) ? ready_none() : nullptr;
  } else if (is_type(type, "http.response.pathsend")) {
    if (!response_.path_send(event)) return nullptr;
  } else if (is_type(type, "http.response.early_hint")) {
    if (!response_.early_hint(event)) return nullptr;
  } else if (is_type(type, "http.response.trailers")) {
    if (!response_.trailers(event)) return nullptr;
  } else {
    return PyErr_Format(PyExc_ValueError, "send: there is no event %R for an http connection",
                        type);
  }
  endpoint_.has_output();
  if (response_.ended()) {
    release();
    return ready_none();
  }
  if (response_.pending()) return call_with(endpoint_.hooks().drain.get(), self_);
  if (++pieces_ % pieces_per_turn == 0) return PyObject_CallNoArgs(endpoint_.hooks().pause.get());
  return ready_none();
}

PyObject* AsgiRequest::write_pending() {
  if (!may_call()) return nullptr;
  if (holds_slot_) use_slot();
  if (gone_) return endpoint_.raise_disconnected();
  if (holds_slot_ && response_.pending()) {
    response_.write_pending();
    endpoint_.has_output();
    if (response_.ended()) release();
  }
  return PyBool_FromLong(!response_.pending());
}

bool AsgiRequest::over() {
  if (holds_slot_) use_slot();
  return !holds_slot_ || (body_given_ && endpoint_.port().client_shut());
}

bool AsgiRequest::anybody_waits(WaitFor what) const {
  return std::any_of(waiters_.begin(), waiters_.end(),
                     [what](const Waiter& one) { return one.for_room == what.for_room; });
}

PyObject* AsgiRequest::wait(WaitFor what) {
  if (!may_call()) return nullptr;
  Ref future = Ref::steal(PyObject_CallNoArgs(endpoint_.hooks().create_future.get()));
  if (!future) return nullptr;
  PyObject* const result = Ref::share(future.get()).release();
  endpoint_.watch(*this);
  forget_cancelled();
  waiters_.push_back({std::move(future), what.for_room});
  if (holds_slot_) {
    rearm();
  } else {
    wake(Wake::all);
  }
  return result;
}

// An app may ask with a time limit, again and again.
void AsgiRequest::forget_cancelled() {
  std::erase_if(waiters_,
                [this](const Waiter& one) { return endpoint_.is_done(one.future.get()); });
}

// Those whose wait is over by now are woken; for the others the edge will ring.
void AsgiRequest::rearm() {
  use_slot();
  if (!holds_slot_) return;
  if (anybody_waits({.for_room = false}) && endpoint_.port().client_shut()) wake(Wake::all);
  if (anybody_waits({.for_room = true})) {
    // This bell rings for the end as well.
    if (!endpoint_.port().ask_for_room(response_.room_wanted())) return endpoint_.has_output();
    wake(Wake::for_room);
  }
  if (anybody_waits({.for_room = false}) && endpoint_.port().ask_for_end()) wake(Wake::all);
}

bool AsgiRequest::look() {
  if (holds_slot_) {
    endpoint_.port().use(taken_);
    if (endpoint_.port().was_rung()) rearm();
  }
  return !waiters_.empty();
}

void AsgiRequest::wake(Wake whom) {
  std::vector<Waiter> kept, woken;
  for (Waiter& waiter : waiters_) {
    (whom == Wake::for_room && !waiter.for_room ? kept : woken).push_back(std::move(waiter));
  }
  waiters_ = std::move(kept);
  for (const Waiter& waiter : woken) endpoint_.set_done(waiter.future.get());
}

// The client is gone. The slot is given back at once; the app hears of it when it asks.
void AsgiRequest::let_go() {
  gone_ = true;
  response_.break_off();
  release();
}

void AsgiRequest::release() {
  holds_slot_ = false;
  body_.close();
  endpoint_.has_output();
  wake(Wake::all);
}

void AsgiRequest::end_returned() {
  if (!is_timed_out())
    log_problem(id_, request_line_,
                response_.started() ? "the application returned without completing its response"
                                    : "the application returned without a response");
  end_failed();
}

void AsgiRequest::end_failed() {
  response_.fail(failure_status());
  release();
}

void AsgiRequest::count_end() {
  endpoint_.done();
}

}  // namespace labcoat::python
