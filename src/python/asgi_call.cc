#include "python/asgi_call.h"

#include "python/app_error.h"
#include "python/asgi_endpoint.h"
#include "python/names.h"
#include "python/vectorcall.h"

namespace labcoat::python {
namespace {

// What `await` would resume: of an awaitable that is no coroutine, its iterator.
Ref steps_of(PyObject* awaitable) {
  Ref steps = Ref::steal(PyObject_CallMethodObjArgs(awaitable, names().await, nullptr));
  if (!steps && PyErr_ExceptionMatches(PyExc_AttributeError)) {
    PyErr_Format(PyExc_TypeError, "the application returned %R, which cannot be awaited",
                 reinterpret_cast<PyObject*>(Py_TYPE(awaitable)));
  }
  return steps;
}

}  // namespace

bool is_type(PyObject* type, const char* text) {
  return PyUnicode_CompareWithASCIIString(type, text) == 0;
}

Ref event_of(PyObject* type) {
  Ref event = Ref::steal(PyDict_New());
  if (!event || PyDict_SetItem(event.get(), names().type, type) < 0) return {};
  return event;
}

void AsgiCall::remember_line() {
  const channel::WorkerPort& port = endpoint_.port();
  id_ = port.request().id;
  request_line_.append(port.method()).append(" ").append(port.target());
}

bool AsgiCall::call_app(PyObject* app, PyObject* scope, PyObject* receive, PyObject* send) {
  PyObject* const args[] = {scope, receive, send};
  const Ref awaitable = Ref::steal(PyObject_Vectorcall(app, args, 3, nullptr));
  if (awaitable) {
    coroutine_ = endpoint_.is_coroutine(awaitable.get()) ? Ref::share(awaitable.get())
                                                         : steps_of(awaitable.get());
  }
  if (!coroutine_) {
    raised();
    PyErr_Clear();
    return true;
  }
  Ref task = Ref::steal(call_with(endpoint_.hooks().create_task.get(), self_));
  if (!task) return false;
  // Asyncio itself keeps tasks by weak references only. An eager one may be done already.
  if (coroutine_) task_ = std::move(task);
  return true;
}

bool AsgiCall::may_call() const {
  if (endpoint_.on_own_thread()) return true;
  PyErr_SetString(PyExc_RuntimeError,
                  "receive and send may only be called in the thread of the event loop");
  return false;
}

bool AsgiCall::check_event(PyObject* event) const {
  if (!may_call()) return false;
  if (PyDict_Check(event)) return true;
  PyErr_Format(PyExc_TypeError, "send: an event must be a dict, not %R",
               reinterpret_cast<PyObject*>(Py_TYPE(event)));
  return false;
}

PyObject* AsgiCall::type_of(PyObject* event) {
  PyObject* const type = PyDict_GetItemWithError(event, names().type);
  if (type && PyUnicode_Check(type)) return type;
  if (PyErr_Occurred()) return nullptr;
  return PyErr_Format(PyExc_TypeError, "send: the event's type must be a str, not %R",
                      type ? type : Py_None);
}

PySendResult AsgiCall::resume(PyObject* value, PyObject** result) {
  if (!coroutine_) {
    PyErr_SetString(PyExc_RuntimeError, "the request is over");
    return PYGEN_ERROR;
  }
  const PySendResult step = PyIter_Send(coroutine_.get(), value, result);
  if (step == PYGEN_NEXT) return step;
  if (step == PYGEN_RETURN) {
    Py_DECREF(*result);
    returned();
  } else if (!raised()) {
    return PYGEN_ERROR;
  }
  *result = Ref::share(Py_None).release();
  return PYGEN_RETURN;
}

PyObject* AsgiCall::throw_in(PyObject* args) {
  if (!coroutine_) {
    PyErr_SetString(PyExc_RuntimeError, "the request is over");
    return nullptr;
  }
  const Ref method = Ref::steal(PyObject_GetAttr(coroutine_.get(), names().throw_in));
  PyObject* const yielded = method ? PyObject_CallObject(method.get(), args) : nullptr;
  if (yielded) return yielded;
  if (PyErr_ExceptionMatches(PyExc_StopIteration)) {
    PyErr_Clear();
    returned();
  } else if (!raised()) {
    return nullptr;
  }
  PyErr_SetNone(PyExc_StopIteration);
  return nullptr;
}

void AsgiCall::time_out(i64 age_ns) {
  timed_out_ = true;
  const Ref text = Ref::steal(call_with(endpoint_.hooks().describe_wait.get(), self_));
  const char* const where = text ? PyUnicode_AsUTF8AndSize(text.get(), nullptr) : nullptr;
  if (!where) PyErr_Clear();
  std::string what = "it has taken ";
  what.append(std::to_string(age_ns / ms)).append(" ms, longer than request_timeout, and is ");
  what.append("cancelled\n").append(where ? where : "(where it is could not be found out)");
  log_problem(id_, request_line_, what);
  // Without a task the call itself has not returned yet, and nobody else runs.
  if (!task_) return;
  const Ref task = Ref::share(task_.get());
  if (!Ref::steal(PyObject_CallMethod(task.get(), "cancel", nullptr))) {
    log_exception(id_, request_line_, "the request's task could not be cancelled");
  }
}

void AsgiCall::returned() {
  refresh();
  if (holds_slot_) end_returned();
  complete();
}

// False: the exception is the task's to raise.
bool AsgiCall::raised() {
  const bool cancelled = PyErr_ExceptionMatches(endpoint_.hooks().cancelled_error.get()) != 0;
  PyObject *type, *value, *traceback;
  PyErr_Fetch(&type, &value, &traceback);
  refresh();
  PyErr_Restore(type, value, traceback);
  if (!cancelled) log_raised();
  PyErr_Fetch(&type, &value, &traceback);
  if (holds_slot_) {
    if (cancelled && !timed_out_)
      log_problem(id_, request_line_, "the application's task was cancelled");
    end_failed();
  }
  complete();
  PyErr_Restore(type, value, traceback);
  return !cancelled;
}

// That the client went away is no failure of the app, and what it makes of our saying so neither.
void AsgiCall::log_raised() {
  if (gone_ && endpoint_.is_disconnect_error()) {
    PyErr_Clear();
  } else {
    log_exception(id_, request_line_, "the application failed");
  }
}

void AsgiCall::complete() {
  coroutine_ = Ref();
  task_ = Ref();
  count_end();
}

}  // namespace labcoat::python
