// The words of the commands that ask a running server: which server, and how to show it.
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "cli/control_client.h"

namespace labcoat {

struct ControlWords {
  ServerChoice server;
  bool json = false;              // status, stacks
  bool fast = false;              // stop
  i64 interval_ns = 1 * seconds;  // top
  int times = 0;                  // top; 0: until interrupted
};

// Words that a command does not have are refused by their names here.
struct ControlCommand {
  const char* name;
  const char* help;  // what --help prints, before the words that all have
  bool has_json = false;
  bool has_fast = false;
  bool has_interval = false;
};

// The words; or the exit code, when there is nothing left to do: after --help, or a usage error.
std::optional<ControlWords> parse_control_words(const ControlCommand& command, int argc,
                                                char** argv, int& exit_code);

// Prints "labcoat COMMAND: text" to stderr and returns exit_failed.
int control_failed(const ControlCommand& command, const std::string& text);

}  // namespace labcoat
