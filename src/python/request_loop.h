// RequestLoop is what one worker thread does: take a request, call the app, send the answer, again;
// sleep when there is nothing to do. From here to the app no Python code of ours runs.
#pragma once

#include "channel/worker_port.h"
#include "python/environ.h"
#include "python/errors.h"
#include "python/input.h"
#include "python/response.h"
#include "python/start_response.h"
#include "python/worker_process.h"

namespace labcoat::python {

class RequestLoop {
 public:
  // The process outlives the loop.
  RequestLoop(WorkerProcess& process, u32 endpoint, int doorbell);
  ~RequestLoop();

  // False with an exception.
  bool open();
  // Until the worker is told to stop, the channel closes or the edge is gone. False with an
  // exception, which is a failure of ours: those of the app are answered and logged.
  bool run(PyObject* app);

 private:
  bool handle(PyObject* app);
  bool call_app(PyObject* app, PyObject* environ, Ref& result);
  void report_length();
  bool renew_input();
  bool renew_errors();

  WorkerProcess& process_;
  const u32 endpoint_;
  channel::WorkerPort port_;
  Response response_;
  StartResponse start_response_;
  EnvironBuilder environ_;
  Garbage garbage_;
  Input* input_ = nullptr;
  Errors* errors_ = nullptr;
  u64 request_id_ = 0;
};

}  // namespace labcoat::python
