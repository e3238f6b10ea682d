// The Python types around AsgiEndpoint, AsgiRequest and AsgiSocket, as python/labcoat/_labcoat.pyi
// has them.
#include <new>

#include "python/asgi_endpoint.h"
#include "python/asgi_request.h"
#include "python/asgi_socket.h"
#include "python/awaitable.h"
#include "python/socket_event.h"

namespace labcoat::python {
namespace {

struct EndpointObject {
  PyObject_HEAD AsgiEndpoint* endpoint;
};
struct CallObject {
  PyObject_HEAD AsgiCall* call;  // what follows
};
struct RequestObject {
  CallObject base;
  AsgiRequest request;
};
struct SocketObject {
  CallObject base;
  AsgiSocket socket;
};

PyTypeObject *endpoint_type, *request_type,
    *socket_type;  // written once, under the import lock; never freed

AsgiEndpoint& endpoint_of(PyObject* self) {
  return *reinterpret_cast<EndpointObject*>(self)->endpoint;
}

PyObject* on_doorbell(PyObject* self, PyObject*) {
  endpoint_of(self).on_doorbell();
  Py_RETURN_NONE;
}

PyObject* on_turn(PyObject* self, PyObject*) {
  endpoint_of(self).on_turn();
  Py_RETURN_NONE;
}

PyObject* on_edge_gone(PyObject* self, PyObject*) {
  endpoint_of(self).on_edge_gone();
  Py_RETURN_NONE;
}

PyObject* close_sockets(PyObject* self, PyObject*) {
  endpoint_of(self).close_sockets();
  Py_RETURN_NONE;
}

PyObject* end_overdue(PyObject* self, PyObject* limit) {
  const double limit_s = PyFloat_AsDouble(limit);
  if (limit_s == -1 && PyErr_Occurred()) return nullptr;
  const i64 wait_ns = endpoint_of(self).end_overdue(static_cast<i64>(limit_s * 1e9));
  return PyFloat_FromDouble(static_cast<double>(wait_ns) / 1e9);
}

AsgiCall& call_of(PyObject* self) {
  return *reinterpret_cast<CallObject*>(self)->call;
}

PyObject* receive(PyObject* self, PyObject*) {
  return asgi_request_of(self).receive();
}

PyObject* send(PyObject* self, PyObject* event) {
  return asgi_request_of(self).send(event);
}

PyObject* write_pending(PyObject* self, PyObject*) {
  return asgi_request_of(self).write_pending();
}

PyObject* room(PyObject* self, PyObject*) {
  return asgi_request_of(self).room();
}

PyObject* end(PyObject* self, PyObject*) {
  return asgi_request_of(self).end();
}

PyObject* over(PyObject* self, PyObject*) {
  return PyBool_FromLong(asgi_request_of(self).over());
}

PyObject* socket_receive(PyObject* self, PyObject*) {
  return asgi_socket_of(self).receive();
}

PyObject* socket_send(PyObject* self, PyObject* event) {
  return asgi_socket_of(self).send(event);
}

PyObject* socket_write_pending(PyObject* self, PyObject*) {
  return asgi_socket_of(self).write_pending();
}

PyObject* socket_room(PyObject* self, PyObject*) {
  return asgi_socket_of(self).room();
}

PySendResult resume(PyObject* self, PyObject* value, PyObject** result) {
  return call_of(self).resume(value, result);
}

PyObject* throw_in(PyObject* self, PyObject* args) {
  return call_of(self).throw_in(args);
}

PyObject* close(PyObject* self, PyObject*) {
  PyObject* const coroutine = call_of(self).coroutine();
  if (!coroutine) Py_RETURN_NONE;
  return PyObject_CallMethod(coroutine, "close", nullptr);
}

// Debuggers and Task.print_stack() look at these.
PyObject* of_coroutine(PyObject* self, void* name) {
  PyObject* const coroutine = call_of(self).coroutine();
  if (!coroutine) Py_RETURN_NONE;
  return PyObject_GetAttrString(coroutine, static_cast<const char*>(name));
}

void dealloc_call(PyObject* self) {
  call_of(self).~AsgiCall();
  free_object(self);
}

PyMethodDef receive_method = {"receive", receive, METH_NOARGS,
                              "await receive(): the next event, as ASGI 3.0 has it."};
PyMethodDef send_method = {"send", send, METH_O, "await send(event), as ASGI 3.0 has it."};

PyMethodDef socket_receive_method = {"receive", socket_receive, METH_NOARGS,
                                     "await receive(): the next event, as ASGI 3.0 has it."};
PyMethodDef socket_send_method = {"send", socket_send, METH_O,
                                  "await send(event), as ASGI 3.0 has it."};

PyMethodDef endpoint_methods[] = {
    {"on_doorbell", on_doorbell, METH_NOARGS, "on_doorbell(): the doorbell can be read."},
    {"on_turn", on_turn, METH_NOARGS, "on_turn(): the turn that was asked for with call_soon."},
    {"on_edge_gone", on_edge_gone, METH_NOARGS, "on_edge_gone(): take nothing more."},
    {"end_overdue", end_overdue, METH_O,
     "end_overdue(limit): cancels what was taken so long ago; when to call again, in seconds."},
    {"close_sockets", close_sockets, METH_NOARGS, "close_sockets(): those that are left."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot endpoint_slots[] = {
    {Py_tp_methods, endpoint_methods},
    {Py_tp_doc, const_cast<char*>("An event loop's place in the channel.")},
    {0, nullptr},
};
PyType_Spec endpoint_spec = {"labcoat._labcoat.AsgiEndpoint", sizeof(EndpointObject), 0,
                             Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
                             endpoint_slots};

PyMethodDef request_methods[] = {
    {"write_pending", write_pending, METH_NOARGS, "write_pending(): True when nothing is left."},
    {"room", room, METH_NOARGS, "await room(): until there may be room."},
    {"end", end, METH_NOARGS, "await end(): until the request may be over."},
    {"send_event", send, METH_O, "await send_event(event): what the app's send is."},
    {"over", over, METH_NOARGS, "over(): nothing more can be received."},
    {"send", resume_with<resume>, METH_O, "send(value): goes on with the app's coroutine."},
    {"throw", throw_in, METH_VARARGS, "throw(exception): raises it in the app's coroutine."},
    {"close", close, METH_NOARGS, "close(): ends the app's coroutine."},
    {nullptr, nullptr, 0, nullptr},
};
PyGetSetDef request_properties[] = {
    {"cr_frame", of_coroutine, nullptr, nullptr, const_cast<char*>("cr_frame")},
    {"cr_code", of_coroutine, nullptr, nullptr, const_cast<char*>("cr_code")},
    {"cr_await", of_coroutine, nullptr, nullptr, const_cast<char*>("cr_await")},
    {"cr_running", of_coroutine, nullptr, nullptr, const_cast<char*>("cr_running")},
    {"__name__", of_coroutine, nullptr, nullptr, const_cast<char*>("__name__")},
    {"__qualname__", of_coroutine, nullptr, nullptr, const_cast<char*>("__qualname__")},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};
PyType_Slot request_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc_call)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(resume)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(resume_next<resume>)},
    {Py_tp_methods, request_methods},
    {Py_tp_getset, request_properties},
    {Py_tp_doc, const_cast<char*>("One request, as the coroutine that its task runs.")},
    {0, nullptr},
};
PyType_Spec request_spec = {"labcoat._labcoat.AsgiRequest", sizeof(RequestObject), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, request_slots};

PyMethodDef socket_methods[] = {
    {"write_pending", socket_write_pending, METH_NOARGS,
     "write_pending(): True when nothing is left."},
    {"room", socket_room, METH_NOARGS, "await room(): until there may be room."},
    {"send_event", socket_send, METH_O, "await send_event(event): what the app's send is."},
    {"send", resume_with<resume>, METH_O, "send(value): goes on with the app's coroutine."},
    {"throw", throw_in, METH_VARARGS, "throw(exception): raises it in the app's coroutine."},
    {"close", close, METH_NOARGS, "close(): ends the app's coroutine."},
    {nullptr, nullptr, 0, nullptr},
};
PyType_Slot socket_slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc_call)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(resume)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(resume_next<resume>)},
    {Py_tp_methods, socket_methods},
    {Py_tp_getset, request_properties},
    {Py_tp_doc, const_cast<char*>("One WebSocket, as the coroutine that its task runs.")},
    {0, nullptr},
};
PyType_Spec socket_spec = {"labcoat._labcoat.AsgiSocket", sizeof(SocketObject), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, socket_slots};

}  // namespace

bool make_asgi_types() {
  endpoint_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&endpoint_spec));
  request_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&request_spec));
  socket_type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&socket_spec));
  return endpoint_type && request_type && socket_type && make_socket_event_type();
}

PyObject* new_asgi_endpoint(WorkerProcess& process, const AsgiEndpoint::Settings& settings) {
  EndpointObject* const object = PyObject_New(EndpointObject, endpoint_type);
  if (!object) return nullptr;
  PyObject* const self = reinterpret_cast<PyObject*>(object);
  object->endpoint = new AsgiEndpoint(process, settings);
  // From here on it stays: requests and the loop's callbacks may outlast every reference.
  return object->endpoint->open(settings, self) ? self : nullptr;
}

PyObject* new_asgi_request(AsgiEndpoint& endpoint) {
  RequestObject* const object = PyObject_New(RequestObject, request_type);
  if (!object) return nullptr;
  PyObject* const self = reinterpret_cast<PyObject*>(object);
  object->base.call = new (&object->request) AsgiRequest(endpoint, self);
  return self;
}

PyObject* new_asgi_socket(AsgiEndpoint& endpoint) {
  SocketObject* const object = PyObject_New(SocketObject, socket_type);
  if (!object) return nullptr;
  PyObject* const self = reinterpret_cast<PyObject*>(object);
  object->base.call = new (&object->socket) AsgiSocket(endpoint, self);
  return self;
}

AsgiSocket& asgi_socket_of(PyObject* object) {
  return reinterpret_cast<SocketObject*>(object)->socket;
}

AsgiRequest& asgi_request_of(PyObject* object) {
  return reinterpret_cast<RequestObject*>(object)->request;
}

PyObject* AsgiEndpoint::new_receive(PyObject* request) {
  return PyCFunction_New(&receive_method, request);
}

PyObject* AsgiEndpoint::new_send(PyObject* request) {
  return PyCFunction_New(&send_method, request);
}

PyObject* AsgiEndpoint::new_socket_receive(PyObject* socket) {
  return PyCFunction_New(&socket_receive_method, socket);
}

PyObject* AsgiEndpoint::new_socket_send(PyObject* socket) {
  return PyCFunction_New(&socket_send_method, socket);
}

}  // namespace labcoat::python
