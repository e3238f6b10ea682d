#include "python/request_loop.h"

#include "python/answer.h"
#include "python/app_error.h"
#include "python/stop.h"
#include "python/vectorcall.h"

namespace labcoat::python {
namespace {

// One reference is ours, one is the environ template's.
bool is_kept(PyObject* object) {
  return Py_REFCNT(object) > 2;
}

}  // namespace

RequestLoop::RequestLoop(WorkerProcess& process, u32 endpoint, int doorbell)
    : process_(process),
      endpoint_(endpoint),
      port_(*process.mapping, {.endpoint = endpoint,
                               .doorbell = doorbell,
                               .control = process.control_fd,
                               .edge_doorbells = process.edge_doorbells,
                               .spin_ns = process.spin_ns}),
      response_(port_, *process.control, endpoint),
      start_response_(response_) {}

RequestLoop::~RequestLoop() {
  Py_XDECREF(reinterpret_cast<PyObject*>(input_));
  Py_XDECREF(reinterpret_cast<PyObject*>(errors_));
}

bool RequestLoop::open() {
  return garbage_.open(process_.gc) &&
         environ_.open({.multithread = process_.multithread,
                        .multiprocess = process_.multiprocess,
                        .file_wrapper = process_.file_wrapper_type}) &&
         renew_input() && renew_errors();
}

bool RequestLoop::renew_input() {
  Py_XDECREF(reinterpret_cast<PyObject*>(input_));
  input_ = new_input(process_.input_type);
  return input_ && environ_.set_input(reinterpret_cast<PyObject*>(input_));
}

bool RequestLoop::renew_errors() {
  Py_XDECREF(reinterpret_cast<PyObject*>(errors_));
  errors_ = new_errors(process_.errors_type);
  return errors_ && environ_.set_errors(reinterpret_cast<PyObject*>(errors_));
}

bool RequestLoop::run(PyObject* app) {
  for (;;) {
    // Told to stop while it slept, it still takes one: the bell may have been for a request that no
    // other worker was woken for.
    while (!port_.edge_gone() && port_.take()) {
      if (!handle(app)) return false;
      if (stop_requested()) break;
    }
    if (stop_requested() || port_.closing() || port_.edge_gone()) break;
    garbage_.idle();
    {
      const WithoutGil released;
      port_.wait();
    }
    // Python's own signal handlers run here; what they raise has no request to belong to.
    if (PyErr_CheckSignals() < 0) log_exception(0, "-", "a signal handler raised");
  }
  port_.ring_put_off();
  return true;
}

bool RequestLoop::call_app(PyObject* app, PyObject* environ, Ref& result) {
  PyObject* const args[] = {environ, start_response_.callable()};
  if (!environ || !args[1]) return false;
  result = Ref::steal(PyObject_Vectorcall(app, args, 2, nullptr));
  return result && send_answer(response_, input_->body, result.get(), process_.file_wrapper_type);
}

bool RequestLoop::handle(PyObject* app) {
  request_id_ = port_.request().id;
  const i64 taken_ns =
      process_.mapping->endpoint(endpoint_).started_ns.load(std::memory_order_relaxed);
  input_->body.open(port_, *process_.control, endpoint_);
  errors_->log.open(request_id_);
  response_.open();
  if (!environ_.set_early_hints(start_response_.early_hints())) return false;
  Ref environ = Ref::steal(environ_.build(port_, taken_ns));
  Ref result;
  if (!call_app(app, environ.get(), result)) {
    log_exception(request_id_, environ_.request_line(), "the application failed");
    if (!response_.ended()) {
      if (!input_->body.outlive_slot()) input_->body.close();
      response_.fail();
    }
  } else {
    report_length();
  }
  if (result && !close_answer(result.get())) {
    log_exception(request_id_, environ_.request_line(), "close() of the response failed");
  }
  result = Ref();
  environ = Ref();
  start_response_.settle();
  input_->body.close();
  errors_->log.close();
  garbage_.request_done();
  process_.count_request();
  // Whoever kept these keeps dead ones, and cannot see the next request through them.
  return (!is_kept(reinterpret_cast<PyObject*>(input_)) || renew_input()) &&
         (!is_kept(reinterpret_cast<PyObject*>(errors_)) || renew_errors());
}

void RequestLoop::report_length() {
  if (const i64 missing = response_.missing(); missing > 0) {
    log_problem(request_id_, environ_.request_line(),
                "the body is " + std::to_string(missing) +
                    " bytes shorter than its Content-Length; the connection is broken off");
  }
  if (const i64 surplus = response_.surplus(); surplus > 0) {
    log_problem(request_id_, environ_.request_line(),
                "the body is longer than its Content-Length; " + std::to_string(surplus) +
                    " bytes or more were cut off");
  }
}

}  // namespace labcoat::python
