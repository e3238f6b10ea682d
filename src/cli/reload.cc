// labcoat reload: new code for a running server, and whether it took it.
#include <cstdio>

#include "cli/command.h"
#include "cli/control_words.h"

namespace labcoat {
namespace {

constexpr ControlCommand reload_usage = {
    .name = "reload",
    .help = R"(usage: labcoat reload [-c FILE | --pid PID | --control PATH]

Imports the apps of a running `labcoat serve` anew and waits until new workers have taken over. No request is lost. If an app cannot be
imported, or its new worker does not get ready, the old code serves on, the traceback is in the server's log, and this exits with 1.
The configuration is read again: routes and most limits are in force at once; the log names what waits for a restart.
)",
};

}  // namespace

int reload_command(int argc, char** argv) {
  int exit_code = exit_ok;
  const auto words = parse_control_words(reload_usage, argc, argv, exit_code);
  if (!words) return exit_code;
  auto client = ControlClient::find(words->server);
  if (!client) return control_failed(reload_usage, client.error().text);
  // As long as it takes: only the app knows how long its import is.
  const auto answer = client->ask({{"type", "reload"}}, -1);
  if (!answer) return control_failed(reload_usage, answer.error().text);
  if (!answer->value("ok", false)) {
    return control_failed(reload_usage, answer->value("text", "the server does not say why"));
  }
  std::printf("reloaded\n");
  return exit_ok;
}

}  // namespace labcoat
