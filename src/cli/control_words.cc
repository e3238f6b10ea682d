#include "cli/control_words.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "base/text.h"
#include "cli/command.h"

namespace labcoat {
namespace {

constexpr const char* common_help =
    R"(
Without any of these, the server is meant that was started in this directory, or with a configuration file of it:
  -c, --config FILE   the server of this configuration file
      --pid PID       the server with this process id
      --control PATH  the server with this control socket
  -h, --help          this page

Exit: 0 done; 1 no such server, or it failed; 2 usage.
)";

}  // namespace

std::optional<ControlWords> parse_control_words(const ControlCommand& command, int argc,
                                                char** argv, int& exit_code) {
  ControlWords words;
  bool help = false;
  std::string interval;
  CLI::App parser;
  parser.set_help_flag();
  parser.add_flag("-h,--help", help);
  parser.add_option("-c,--config", words.server.config_file);
  parser.add_option("--pid", words.server.pid);
  parser.add_option("--control", words.server.control);
  if (command.has_json) parser.add_flag("--json", words.json);
  if (command.has_fast) parser.add_flag("--fast", words.fast);
  if (command.has_interval) {
    parser.add_option("-i,--interval", interval);
    parser.add_option("-n,--times", words.times);
  }
  try {
    parser.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    exit_code = usage_error(command.name, error.what());
    return {};
  }
  if (help) {
    std::printf("%s%s", command.help, common_help);
    exit_code = exit_ok;
    return {};
  }
  if (!interval.empty()) {
    const auto parsed = parse_duration(interval);
    if (!parsed || *parsed < 50 * ms) {
      exit_code = usage_error(command.name, "--interval: expected a duration of at least 50ms");
      return {};
    }
    words.interval_ns = *parsed;
  }
  return words;
}

int control_failed(const ControlCommand& command, const std::string& text) {
  std::fprintf(stderr, "labcoat %s: %s\n", command.name, text.c_str());
  return exit_failed;
}

}  // namespace labcoat
