// The stacks of a worker for the supervisor: faulthandler writes them on a signal, also while
// Python is stuck. Signal handlers are a matter of the process, so this is one of its few globals.
#pragma once

namespace labcoat::python {

// Puts a handler around the one that faulthandler has installed for `signal`: after its text it
// writes a NUL byte to `fd`, so that the reader knows the end. False: nobody handles the signal.
bool end_stacks_with_nul(int signal, int fd);

}  // namespace labcoat::python
