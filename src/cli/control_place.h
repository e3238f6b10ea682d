// Where a server's control socket is, for the server that makes it and for the commands that look
// for it. Unless the configuration names a path, it is PID.control in the runtime directory of the
// user that runs the server.
#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/result.h"

namespace labcoat {

// The runtime directories of this user, best first: XDG_RUNTIME_DIR/labcoat, /run/user/UID/labcoat,
// for root /run/labcoat, and /tmp/labcoat-UID. All of them, there or not: a login shell has other
// variables than a service of the same user.
std::vector<std::string> runtime_directories();

// Makes the first of them that can be used, mode 0700, and returns PID.control in it. One in /tmp
// that belongs to somebody else is not used.
Result<std::string> default_control_path(pid_t pid);

// "/run/labcoat/12.control" as 12; 0 when it is no such name.
pid_t pid_of_control(const std::string& path);

}  // namespace labcoat
