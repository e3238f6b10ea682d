// AsgiCall is one call of an ASGI app: the coroutine that its asyncio task runs (the app's, and
// what has to be done when that ends). What the app's receive and send do is AsgiRequest's or
// AsgiSocket's.
#pragma once

#include <string>

#include "channel/worker_port.h"
#include "python/ref.h"

namespace labcoat::python {

class AsgiEndpoint;

class AsgiCall {
 public:
  // The endpoint outlives it; `self` is the Python object around it.
  AsgiCall(AsgiEndpoint& endpoint, PyObject* self) : endpoint_(endpoint), self_(self) {}
  virtual ~AsgiCall() = default;
  AsgiCall(const AsgiCall&) = delete;
  AsgiCall& operator=(const AsgiCall&) = delete;

  PyObject* self() const { return self_; }
  channel::TakenRequest& taken() { return taken_; }

  // It has had its time (request_timeout): its task is cancelled, and if its client has no answer
  // then, that is 504. What the task is about goes to the log.
  void time_out(i64 age_ns);
  bool is_timed_out() const { return timed_out_; }

  // The app's coroutine goes on, as PyIter_Send.
  PySendResult resume(PyObject* value, PyObject** result);
  PyObject* throw_in(PyObject* args);
  PyObject* coroutine() const { return coroutine_.get(); }

 protected:
  // Calls the app and gives what it returned to a task. False with an exception only when
  // something of ours failed.
  bool call_app(PyObject* app, PyObject* scope, PyObject* receive, PyObject* send);
  // The answer of a call that has failed.
  int failure_status() const { return timed_out_ ? 504 : 500; }
  // The rest of the log's lines about this call.
  void remember_line();
  // Whether this is the loop's thread; an exception if not.
  bool may_call() const;
  bool check_event(PyObject* event) const;
  // Of an event; borrowed, nullptr with an exception.
  static PyObject* type_of(PyObject* event);

  AsgiEndpoint& endpoint_;
  PyObject* const self_;
  channel::TakenRequest taken_;
  u64 id_ = 0;
  std::string request_line_;  // the slot goes before the app does
  bool holds_slot_ = false;
  bool gone_ = false;  // the client is

 private:
  // Uses the slot, if it is still held, and gives it back if the client has gone.
  virtual void refresh() = 0;
  // The app's coroutine has ended, with the slot still held.
  virtual void end_returned() = 0;
  virtual void end_failed() = 0;
  // The endpoint's count.
  virtual void count_end() = 0;

  void returned();
  bool raised();
  void log_raised();
  void complete();

  Ref coroutine_, task_;
  bool timed_out_ = false;
};

bool is_type(PyObject* type, const char* text);
// A new event of this type; nothing with an exception.
Ref event_of(PyObject* type);

}  // namespace labcoat::python
