// labcoat status: what a running server does, once.
#include <cstdio>

#include "cli/command.h"
#include "cli/control_words.h"
#include "cli/worker_table.h"

namespace labcoat {
namespace {

constexpr ControlCommand status_usage = {
    .name = "status",
    .help = R"(usage: labcoat status [--json] [-c FILE | --pid PID | --control PATH]

Prints what a running `labcoat serve` does: its apps, how many requests wait, and for each worker its memory, its requests and
the request it works on now. It works when the workers' Python is stuck. MEMORY is proportional (PSS): what is shared counts once.

      --json          as JSON, schema labcoat.status/1
)",
    .has_json = true,
};

}  // namespace

int status_command(int argc, char** argv) {
  int exit_code = exit_ok;
  const auto words = parse_control_words(status_usage, argc, argv, exit_code);
  if (!words) return exit_code;
  auto client = ControlClient::find(words->server);
  if (!client) return control_failed(status_usage, client.error().text);
  const auto status = client->ask_details({{"type", "status"}});
  if (!status) return control_failed(status_usage, status.error().text);
  const std::string text = words->json ? status->dump(2) + "\n" : worker_table(*status, nullptr, 0);
  std::fputs(text.c_str(), stdout);
  return exit_ok;
}

}  // namespace labcoat
