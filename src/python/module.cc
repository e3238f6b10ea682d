// labcoat._labcoat: the part of a worker that is not Python. python/labcoat/_labcoat.pyi says what
// it offers to python/labcoat/worker.py; apps see only the objects in their environ.
#include <Python.h>

#include <csignal>
#include <new>
#include <sys/prctl.h>
#include <unistd.h>

#include "python/asgi_endpoint.h"
#include "python/double_fork.h"
#include "python/immortal.h"
#include "python/names.h"
#include "python/ready.h"
#include "python/request_loop.h"
#include "python/stacks.h"
#include "python/stop.h"

namespace labcoat::python {
namespace {

struct Worker {
  PyObject_HEAD WorkerProcess process;
};

PyObject* module_types[3];  // Input, Errors, FileWrapper; written once, under the import lock

bool read_numbers(PyObject* list, std::vector<int>& out) {
  const Py_ssize_t count = PySequence_Size(list);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const Ref item = Ref::steal(PySequence_GetItem(list, i));
    const long number = item ? PyLong_AsLong(item.get()) : -1;
    if (number == -1 && PyErr_Occurred()) return false;
    out.push_back(static_cast<int>(number));
  }
  return count >= 0;
}

int open_process(WorkerProcess& process, int channel_fd) {
  auto mapping = channel::Mapping::open(channel_fd);
  if (!mapping) {
    PyErr_SetString(PyExc_OSError, mapping.error().text.c_str());
    return -1;
  }
  if ((*mapping)->shape().edge_threads != process.edge_doorbells.size()) {
    PyErr_SetString(PyExc_ValueError, "one doorbell per edge thread is needed");
    return -1;
  }
  process.mapping = std::move(*mapping);
  process.control = std::make_unique<channel::WorkerControl>(process.control_fd);
  process.input_type = module_types[0];
  process.errors_type = module_types[1];
  process.file_wrapper_type = module_types[2];
  return 0;
}

int worker_init(PyObject* self, PyObject* args, PyObject* keywords) {
  static const char* names[] = {"channel",      "control", "supervisor",   "edge_doorbells",
                                "spin_ns",      "gc",      "max_requests", "multithread",
                                "multiprocess", nullptr};
  WorkerProcess& process = reinterpret_cast<Worker*>(self)->process;
  int channel_fd, multithread, multiprocess;
  PyObject* edge_doorbells;
  long long spin_ns;
  unsigned long long max_requests;
  const char* gc;
  if (!PyArg_ParseTupleAndKeywords(args, keywords, "iiiOLsKpp", const_cast<char**>(names),
                                   &channel_fd, &process.control_fd, &process.supervisor_fd,
                                   &edge_doorbells, &spin_ns, &gc, &max_requests, &multithread,
                                   &multiprocess)) {
    return -1;
  }
  const auto mode = Garbage::parse_mode(gc);
  if (!mode) {
    PyErr_Format(PyExc_ValueError, "gc is default, freeze, off or between_requests, not %s", gc);
    return -1;
  }
  process.edge_doorbells.clear();
  if (!read_numbers(edge_doorbells, process.edge_doorbells)) return -1;
  process.spin_ns = spin_ns;
  process.gc = *mode;
  process.requests_max = max_requests;
  process.multithread = multithread != 0;
  process.multiprocess = multiprocess != 0;
  return open_process(process, channel_fd);
}

PyObject* worker_new(PyTypeObject* type, PyObject*, PyObject*) {
  Worker* const worker = PyObject_New(Worker, type);
  if (worker) new (&worker->process) WorkerProcess();
  return reinterpret_cast<PyObject*>(worker);
}

void worker_dealloc(PyObject* self) {
  reinterpret_cast<Worker*>(self)->process.~WorkerProcess();
  free_object(self);
}

PyObject* worker_serve(PyObject* self, PyObject* args) {
  PyObject* app;
  unsigned int endpoint;
  int doorbell;
  if (!PyArg_ParseTuple(args, "OIi", &app, &endpoint, &doorbell)) return nullptr;
  WorkerProcess& process = reinterpret_cast<Worker*>(self)->process;
  if (!process.mapping || endpoint >= process.mapping->shape().endpoints) {
    PyErr_SetString(PyExc_ValueError, "there is no such endpoint");
    return nullptr;
  }
  RequestLoop loop(process, endpoint, doorbell);
  if (!loop.open() || !loop.run(app)) return nullptr;
  Py_RETURN_NONE;
}

PyObject* worker_open_asgi(PyObject* self, PyObject* args) {
  AsgiEndpoint::Settings settings;
  if (!PyArg_ParseTuple(args, "OO!OIiI", &settings.app, &PyDict_Type, &settings.state,
                        &settings.hooks, &settings.endpoint, &settings.doorbell,
                        &settings.in_flight_max)) {
    return nullptr;
  }
  WorkerProcess& process = reinterpret_cast<Worker*>(self)->process;
  if (!process.mapping || settings.endpoint >= process.mapping->shape().endpoints ||
      settings.in_flight_max == 0) {
    PyErr_SetString(PyExc_ValueError, "there is no such endpoint, or it may do nothing");
    return nullptr;
  }
  // The endpoint uses the worker until the process ends.
  Py_INCREF(self);
  return new_asgi_endpoint(process, settings);
}

PyObject* py_catch_stop_signals(PyObject*, PyObject* doorbells) {
  std::vector<int> fds;
  if (!read_numbers(doorbells, fds)) return nullptr;
  catch_stop_signals(fds);
  Py_RETURN_NONE;
}

PyObject* py_end_stacks_with_nul(PyObject*, PyObject* args) {
  int signal, fd;
  if (!PyArg_ParseTuple(args, "ii", &signal, &fd)) return nullptr;
  if (!end_stacks_with_nul(signal, fd)) {
    PyErr_SetString(PyExc_ValueError, "faulthandler is not registered for this signal");
    return nullptr;
  }
  Py_RETURN_NONE;
}

PyObject* die_with_parent(PyObject*, PyObject* pid) {
  const long parent = PyLong_AsLong(pid);
  if (parent == -1 && PyErr_Occurred()) return nullptr;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // The parent may have died before the kernel knew that we care.
  return PyBool_FromLong(getppid() == parent);
}

PyMethodDef worker_methods[] = {
    {"serve", worker_serve, METH_VARARGS,
     "serve(app, endpoint, doorbell): handles requests in this thread until told to stop."},
    {"open_asgi", worker_open_asgi, METH_VARARGS,
     "open_asgi(app, state, hooks, endpoint, doorbell, in_flight): an AsgiEndpoint."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot worker_slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(worker_new)},
    {Py_tp_init, reinterpret_cast<void*>(worker_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(worker_dealloc)},
    {Py_tp_methods, worker_methods},
    {Py_tp_doc, const_cast<char*>("A worker process's side of the channel.")},
    {0, nullptr},
};

PyType_Spec worker_spec = {"labcoat._labcoat.Worker", sizeof(Worker), 0, Py_TPFLAGS_DEFAULT,
                           worker_slots};

PyMethodDef functions[] = {
    {"catch_stop_signals", py_catch_stop_signals, METH_O,
     "catch_stop_signals(doorbells): TERM finishes what is begun, INT or a second TERM exits."},
    {"end_stacks_with_nul", py_end_stacks_with_nul, METH_VARARGS,
     "end_stacks_with_nul(signal, fd): a NUL byte follows what faulthandler writes on the signal."},
    {"fork_worker", fork_worker, METH_O,
     "fork_worker(supervisor): forks twice; the worker's pid, or 0 in the worker, which has then "
     "said "
     "its pid on the socket."},
    {"make_immortal", make_immortal, METH_O,
     "make_immortal(objects): these, and what they refer to, lose their counts; how many they "
     "were, "
     "0 where Python cannot."},
    {"die_with_parent", die_with_parent, METH_O,
     "die_with_parent(pid): SIGKILL comes when the parent dies; False if it is not pid any more."},
    {nullptr, nullptr, 0, nullptr},
};

int add_types(PyObject* module) {
  if (!make_names() || !StartResponse::make_type() || !make_ready_type() || !make_asgi_types()) {
    return -1;
  }
  PyObject* (*const make[])() = {make_input_type, make_errors_type, make_file_wrapper_type};
  const char* const names[] = {"Input", "Errors", "FileWrapper"};
  for (size_t i = 0; i < 3; ++i) {
    module_types[i] = make[i]();
    if (!module_types[i]) return -1;
    if (PyModule_AddObjectRef(module, names[i], module_types[i]) < 0) return -1;
  }
  const Ref worker = Ref::steal(PyType_FromSpec(&worker_spec));
  return worker ? PyModule_AddObjectRef(module, "Worker", worker.get()) : -1;
}

PyModuleDef module_definition = {PyModuleDef_HEAD_INIT,
                                 "_labcoat",
                                 "The native part of a Labcoat worker.",
                                 -1,
                                 functions,
                                 nullptr,
                                 nullptr,
                                 nullptr,
                                 nullptr};

}  // namespace
}  // namespace labcoat::python

PyMODINIT_FUNC PyInit__labcoat() {  // NOLINT(bugprone-reserved-identifier): Python's rule
  PyObject* const module = PyModule_Create(&labcoat::python::module_definition);
  if (module && labcoat::python::add_types(module) < 0) {
    Py_DECREF(module);
    return nullptr;
  }
  return module;
}
