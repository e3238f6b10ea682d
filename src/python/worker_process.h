// What all threads of a worker share.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "channel/worker_control.h"
#include "python/garbage.h"

namespace labcoat::python {

struct WorkerProcess {
  std::unique_ptr<channel::Mapping> mapping;
  std::unique_ptr<channel::WorkerControl> control;
  std::vector<int> edge_doorbells;
  int control_fd = -1;
  int supervisor_fd = -1;
  i64 spin_ns = 0;
  u64 requests_max = 0;  // then ask to be replaced; 0: never
  Garbage::Mode gc = Garbage::Mode::as_usual;
  bool multithread = false;
  bool multiprocess = false;
  PyObject *input_type = nullptr, *errors_type = nullptr, *file_wrapper_type = nullptr;  // borrowed
  std::atomic<u64> requests_done{0};

  // After each request. Asks the supervisor for a successor when it was the last one of this life.
  void count_request();
};

}  // namespace labcoat::python
