// Finding the user's Python interpreter and asking it who it is: --python or the configuration,
// else VIRTUAL_ENV, else python3 on PATH. A missing or too old one must be one clear sentence
// before anything is started.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace labcoat::config {

// Environment variables that decide.
struct PythonPlaces {
  std::string virtual_env;  // VIRTUAL_ENV
  std::string path;         // PATH
};

// Fills python (an absolute path) and python_source of every app. Each interpreter is run once,
// with the app's allocator preloaded, to see its version (3.11 at least) and whether the allocator
// is there.
Status find_interpreters(Config& config, const PythonPlaces& places);

// The library that is preloaded for an allocator, as the dynamic loader knows it; "" for glibc.
std::string preload_of(const std::string& allocator);

// This process's environment, the app's additions, and LD_PRELOAD for its allocator: NAME=value.
std::vector<std::string> worker_environment(const App& app);

}  // namespace labcoat::config
