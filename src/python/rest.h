// How the zygote waits for the next order to fork: after a while without one it packs the memory
// that only it still holds (cold_pages.h), and unpacks it before anything else happens.
#pragma once

#include <Python.h>

namespace labcoat::python {

// rest(fd: int, after: float) -> None. Returns when `fd` can be read. Packs after so many seconds
// of waiting, and looks again later, since workers make pages their own as they go; 0: never packs.
PyObject* rest(PyObject* module, PyObject* args);

}  // namespace labcoat::python
