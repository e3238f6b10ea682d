// The subcommands of labcoat: each parses its own words, wires objects together, prints, and
// returns the exit code.
#pragma once

#include <span>
#include <string>

#include "base/result.h"

namespace labcoat {

// Exit codes of every subcommand; a subcommand's own meaning of 1 and 3 is in its --help.
enum Exit : int { exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_cannot_tell = 3 };

// argv[0] is the subcommand's name.
int serve_command(int argc, char** argv);
int bench_command(int argc, char** argv);
int tune_command(int argc, char** argv);
// These ask a server that runs, over its control socket.
int status_command(int argc, char** argv);
int top_command(int argc, char** argv);
int stacks_command(int argc, char** argv);
int reload_command(int argc, char** argv);
int stop_command(int argc, char** argv);
// Started by the supervisor only, never by a person.
int edge_command(int argc, char** argv);

// Prints "labcoat COMMAND: text" to stderr and returns exit_usage.
int usage_error(const char* command, const std::string& text);
// "-c: what is wrong with it".
inline tl::unexpected<Error> refuse_flag(const char* flag, const std::string& what) {
  return fail(std::string(flag) + ": " + what);
}

}  // namespace labcoat
