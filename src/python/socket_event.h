// SocketEvent is what an AsgiSocket's receive() returns when there is no event yet: an awaitable
// that takes the event out of the inbox when its task runs, not before. So nothing is lost when the
// task gives up meanwhile. It has the methods of a coroutine, as Ready has.
#pragma once

#include "python/ref.h"

namespace labcoat::python {

// False with an exception. Called once, when the module is loaded.
bool make_socket_event_type();
// `socket` is the Python object of an AsgiSocket; `pauses`: other tasks have their turn first.
// nullptr with an exception.
PyObject* new_socket_event(PyObject* socket, bool pauses);

}  // namespace labcoat::python
