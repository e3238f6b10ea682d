// labcoat stop: ends a running server and waits until it is gone.
#include <cstdio>

#include "cli/command.h"
#include "cli/control_words.h"

namespace labcoat {
namespace {

constexpr ControlCommand stop_usage = {
    .name = "stop",
    .help = R"(usage: labcoat stop [--fast] [-c FILE | --pid PID | --control PATH]

Stops a running `labcoat serve`: what was accepted is answered first (at most for drain_timeout). Returns when it is gone.

      --fast          at once, whatever is being answered
)",
    .has_fast = true,
};

}  // namespace

int stop_command(int argc, char** argv) {
  int exit_code = exit_ok;
  const auto words = parse_control_words(stop_usage, argc, argv, exit_code);
  if (!words) return exit_code;
  auto client = ControlClient::find(words->server);
  if (!client) return control_failed(stop_usage, client.error().text);
  const auto answer = client->ask({{"type", "stop"}, {"fast", words->fast}}, -1);
  if (!answer) return control_failed(stop_usage, answer.error().text);
  client->wait_for_end();
  if (!answer->value("ok", false)) {
    return control_failed(stop_usage, answer->value("text", "the server does not say why"));
  }
  std::printf("stopped\n");
  return exit_ok;
}

}  // namespace labcoat
