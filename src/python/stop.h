// How a worker is told to stop: TERM lets it finish what it holds, INT or a second TERM ends it at
// once. Signal handlers are a matter of the process, so this is one of its few globals.
#pragma once

#include <span>

namespace labcoat::python {

// Handles TERM and INT from now on. The doorbells (eventfds) of all threads are rung on TERM; they
// are copied, and stay open as long as the process lives.
void catch_stop_signals(std::span<const int> doorbells);
bool stop_requested();

}  // namespace labcoat::python
