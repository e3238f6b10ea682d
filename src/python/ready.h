// Ready is an awaitable whose value is there already: `await` gets it without leaving the task. It
// has the methods of a coroutine, so asyncio.create_task() and wait_for() take it as well.
#pragma once

#include "python/ref.h"

namespace labcoat::python {

// A new type object; nullptr with an exception. Called once, when the module is loaded.
PyObject* make_ready_type();
// A new reference to an awaitable of this value; nullptr with an exception.
PyObject* new_ready(Ref value);
// The one whose value is None; it may be awaited any number of times.
PyObject* ready_none();

}  // namespace labcoat::python
