// The limit of open files: raised as far as the system lets us, and compared with what the
// configuration may need.
#pragma once

#include "base/result.h"
#include "config/config.h"

namespace labcoat::supervisor {

// Descriptors one process may need besides its client connections: listeners, channels, doorbells,
// logs, files.
int descriptors_besides_connections(const config::Config& config);

// Raises the soft limit to the hard one; children inherit it. When the hard limit is too small for
// limits.connections, a connections limit that nobody asked for is lowered (and said so in the
// log); one that was set is an error.
Status raise_descriptor_limit(config::Config& config);

}  // namespace labcoat::supervisor
