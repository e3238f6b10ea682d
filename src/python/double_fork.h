// The birth of a worker. It is forked twice, so that the supervisor (a subreaper) becomes its
// parent and not the zygote; Python and the app see one fork, from the zygote to the worker.
#pragma once

#include <Python.h>

namespace labcoat::python {

// fork_worker(supervisor: int) -> int. In the zygote: the worker's pid, once it exists; the process
// between has ended. In the worker: 0. Before any code of the app runs there (its
// os.register_at_fork hooks are the first), the worker has said its pid on the socket `supervisor`;
// when nobody listens there any more, it has ended. OSError when it cannot be forked.
PyObject* fork_worker(PyObject* module, PyObject* supervisor);

}  // namespace labcoat::python
