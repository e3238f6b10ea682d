// Objects that are made before the fork and never die. Python counts who uses an object in the
// object itself, so that a worker that only looks at what it shares with its siblings writes to it,
// and gets a copy of the page. CPython 3.12 has objects without a count (PEP 683).
#pragma once

#include <Python.h>

namespace labcoat::python {

// make_immortal(objects: list) -> int. Takes the counts of the objects, and of all that they refer
// to, away for good; how many these were. 0: this Python counts the uses of every object, or it is
// not known how it would go on without, and nothing was changed. Left as they are: objects that do
// something when they die (__del__, files), and those of extensions, of which nobody knows.
// For the zygote, which has one thread: `objects` begins with gc.get_objects().
PyObject* make_immortal(PyObject* module, PyObject* objects);

}  // namespace labcoat::python
