// read_config puts together what the defaults, the configuration file and the command line say; the
// later of these wins.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace labcoat::config {

// The words after `labcoat serve`, unchecked. Empty: not given.
struct CommandLine {
  std::string target = {};                     // MODULE:CALLABLE
  std::string file = {};                       // -c
  std::vector<std::string> listen = {};        // -l
  std::vector<std::string> statics = {};       // --static PREFIX=DIR
  std::vector<std::string> certificates = {};  // --certificate FILE[,KEY]
  std::string workers = {};
  std::string threads = {};
  std::string edge_threads = {};
  std::string access_log = {};
  std::string python = {};
  std::vector<std::string> sets =
      {};  // --set KNOB=VALUE, SECTION.KNOB=VALUE or app.NAME.KNOB=VALUE
};

// What "auto" and relative paths depend on.
struct Surroundings {
  std::string directory;  // absolute: the current directory
  int cpus = 1;           // base/cpu_count.h
};

// The file that read_config would read, absolute; empty: none.
Result<std::string> find_config_file(const CommandLine& line, const Surroundings& surroundings);

// Everything is resolved but for the interpreters (python.h). Errors name the file and line or the
// flag, the key, what was expected, and the nearest known word. Directories are checked for
// existence.
Result<Config> read_config(const CommandLine& line, const Surroundings& surroundings);

}  // namespace labcoat::config
