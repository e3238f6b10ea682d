// The edge as a process: it takes its orders from the supervisor's control socket
// (docs/formats/control.md), runs the edge threads, and passes descriptors to and from workers.
#pragma once

namespace labcoat::edge {

// Returns the exit code: 0 after a drain, 1 when it could not start or lost the supervisor.
// `control_fd` is owned from here.
int run_edge(int control_fd);

}  // namespace labcoat::edge
