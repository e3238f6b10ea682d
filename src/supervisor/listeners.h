// The listening sockets: opened before any child exists, kept by the supervisor, so that an edge
// may die and another take over without a connection being refused.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "config/config.h"

namespace labcoat::supervisor {

struct Listener {
  Fd socket;
  std::string url;        // with the port that the kernel picked
  std::string unix_path;  // to be removed at the end; empty for TCP
};

// An error names the URL and what to do. A file left behind by a dead server's unix socket is
// removed first; one on which somebody listens is not.
Result<Listener> open_listener(const config::Listen& listen, int backlog);
Result<std::vector<Listener>> open_listeners(const std::vector<config::Listen>& listen,
                                             int backlog);

std::vector<std::string> urls_of(const std::vector<Listener>& listeners);

// New connections are refused from here on, once the edge has closed its copies too.
void close_listeners(std::vector<Listener>& listeners);

}  // namespace labcoat::supervisor
