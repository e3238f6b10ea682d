// labcoat stacks: where the Python of every worker is just now.
#include <cstdio>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/control_words.h"

namespace labcoat {
namespace {

constexpr ControlCommand stacks_usage = {
    .name = "stacks",
    .help = R"(usage: labcoat stacks [--json] [-c FILE | --pid PID | --control PATH]

Prints the Python stack of every thread of every worker, the most recent call first, and the request that it works on. The workers go
on; it works when their Python is stuck, too.

      --json          as JSON: {"workers":[{"app","worker","pid","threads","stacks",…}]}
)",
    .has_json = true,
};

void print_worker(const Json& worker) {
  std::string text =
      fmt::format("worker {} of app '{}' (pid {}), {}\n", worker.at("worker").get<int>(),
                  worker.at("app").get<std::string>(), worker.at("pid").get<int>(),
                  worker.at("state").get<std::string>());
  for (const Json& thread : worker.at("threads")) {
    const Json& request = thread.at("request");
    if (request.is_null()) continue;
    text +=
        fmt::format("works for {} on {} {} (request {})\n",
                    format_duration(request.at("running_us").get<i64>() * us),
                    request.at("method").get<std::string>(),
                    request.at("target").get<std::string>(), request.at("id").get<std::string>());
  }
  const auto stacks = worker.at("stacks").get<std::string>();
  text +=
      stacks.empty() ? "it did not answer: it does not get to run, or has just ended\n" : stacks;
  std::printf("%s\n", text.c_str());
}

}  // namespace

int stacks_command(int argc, char** argv) {
  int exit_code = exit_ok;
  const auto words = parse_control_words(stacks_usage, argc, argv, exit_code);
  if (!words) return exit_code;
  auto client = ControlClient::find(words->server);
  if (!client) return control_failed(stacks_usage, client.error().text);
  const auto answer = client->ask_details({{"type", "stacks"}});
  if (!answer) return control_failed(stacks_usage, answer.error().text);
  if (words->json) {
    std::printf("%s\n", answer->dump(2).c_str());
    return exit_ok;
  }
  for (const Json& worker : answer->at("workers")) print_worker(worker);
  return exit_ok;
}

}  // namespace labcoat
