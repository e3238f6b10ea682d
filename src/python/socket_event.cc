#include "python/socket_event.h"

#include "python/asgi_socket.h"
#include "python/awaitable.h"
#include "python/names.h"

namespace labcoat::python {
namespace {

struct SocketEvent {
  PyObject_HEAD PyObject* socket;
  PyObject* steps;  // of the future that is awaited, or null
  bool begun, pauses;
};

PyTypeObject* type;  // written once, under the import lock; never freed

SocketEvent& event_of(PyObject* self) {
  return *reinterpret_cast<SocketEvent*>(self);
}

// True: the future yields `*result` once more, or something failed (then it is null).
bool goes_on_waiting(SocketEvent& event, PyObject* value, PyObject** result) {
  if (!event.steps) return false;
  const PySendResult step = PyIter_Send(event.steps, value, result);
  if (step == PYGEN_NEXT) return true;
  Py_CLEAR(event.steps);
  if (step == PYGEN_RETURN) Py_CLEAR(*result);
  return step == PYGEN_ERROR;
}

PySendResult resume(PyObject* self, PyObject* value, PyObject** result) {
  SocketEvent& event = event_of(self);
  AsgiSocket& socket = asgi_socket_of(event.socket);
  *result = nullptr;
  // An event may be there already: then it is others' turn first, as asyncio.sleep(0) has it.
  if (!std::exchange(event.begun, true) && event.pauses) {
    *result = Ref::share(Py_None).release();
    return PYGEN_NEXT;
  }
  for (;;) {
    if (goes_on_waiting(event, value, result)) return *result ? PYGEN_NEXT : PYGEN_ERROR;
    value = Py_None;
    *result = socket.next_event();
    if (*result) return PYGEN_RETURN;
    if (PyErr_Occurred()) return PYGEN_ERROR;
    const Ref future = socket.wait_for_event();
    if (!future) return PYGEN_ERROR;
    event.steps = PyObject_CallMethodObjArgs(future.get(), names().await, nullptr);
    if (!event.steps) return PYGEN_ERROR;
  }
}

PyObject* throw_in(PyObject* self, PyObject* args) {
  SocketEvent& event = event_of(self);
  if (event.steps) {
    const Ref steps = Ref::steal(std::exchange(event.steps, nullptr));
    const Ref method = Ref::steal(PyObject_GetAttr(steps.get(), names().throw_in));
    return method ? PyObject_CallObject(method.get(), args) : nullptr;
  }
  return raise_thrown(args);
}

PyObject* close(PyObject* self, PyObject*) {
  Py_CLEAR(event_of(self).steps);
  Py_RETURN_NONE;
}

void dealloc(PyObject* self) {
  Py_XDECREF(event_of(self).steps);
  Py_XDECREF(event_of(self).socket);
  free_object(self);
}

PyMethodDef methods[] = {
    {"send", resume_with<resume>, METH_O, "send(value): goes on waiting."},
    {"throw", throw_in, METH_VARARGS, "throw(exception): gives up waiting."},
    {"close", close, METH_NOARGS, "close(): gives up waiting."},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
    {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_am_send, reinterpret_cast<void*>(resume)},
    {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
    {Py_tp_iternext, reinterpret_cast<void*>(resume_next<resume>)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("A WebSocket's next event, which is not there yet.")},
    {0, nullptr},
};

PyType_Spec spec = {"labcoat._labcoat.SocketEvent", sizeof(SocketEvent), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

bool make_socket_event_type() {
  type = reinterpret_cast<PyTypeObject*>(PyType_FromSpec(&spec));
  return type != nullptr;
}

PyObject* new_socket_event(PyObject* socket, bool pauses) {
  SocketEvent* const event = PyObject_New(SocketEvent, type);
  if (!event) return nullptr;
  event->socket = Ref::share(socket).release();
  event->steps = nullptr;
  event->begun = false;
  event->pauses = pauses;
  return reinterpret_cast<PyObject*>(event);
}

}  // namespace labcoat::python
