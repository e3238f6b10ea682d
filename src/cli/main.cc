// labcoat: serves Python web applications, measures them, and tunes them. One program, one
// subcommand a part.
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "cli/command.h"

namespace labcoat {
namespace {

struct Command {
  const char* name;
  const char* summary;
  int (*run)(int argc, char** argv);
  bool hidden = false;
};

constexpr Command commands[] = {
    {"serve", "run the edge and the Python workers", serve_command},
    {"bench", "load a URL and print the latency table", bench_command},
    {"tune", "search knobs until the evidence is strong", tune_command},
    {"status", "what a running server does: workers, requests, memory, queue", status_command},
    {"top", "the same, live", top_command},
    {"stacks", "every worker's Python stacks, without stopping it", stacks_command},
    {"reload", "load the apps of a running server again", reload_command},
    {"stop", "stop a running server", stop_command},
    {"edge", "the front server; started by serve", edge_command, true},
};

void print_usage(FILE* out) {
  std::fputs("usage: labcoat COMMAND [OPTIONS]\n\n", out);
  for (const Command& command : commands) {
    if (!command.hidden) std::fprintf(out, "  %-8s %s\n", command.name, command.summary);
  }
  std::fputs("\n'labcoat COMMAND --help' explains each. 'labcoat --version' prints the version.\n",
             out);
}

int unknown_command(std::string_view word) {
  std::vector<std::string_view> names;
  for (const Command& command : commands) {
    if (!command.hidden) names.emplace_back(command.name);
  }
  std::string text = "labcoat: there is no command '";
  text += word;
  text += "'";
  const std::string_view nearest = nearest_word(word, names);
  if (!nearest.empty()) {
    text += "; did you mean '";
    text += nearest;
    text += "'?";
  }
  std::fprintf(stderr, "%s\n", text.c_str());
  print_usage(stderr);
  return exit_usage;
}

int run(int argc, char** argv) {
  if (argc < 2) {
    print_usage(stderr);
    return exit_usage;
  }
  const std::string_view word = argv[1];
  if (word == "--help" || word == "-h" || word == "help") {
    print_usage(stdout);
    return exit_ok;
  }
  if (word == "--version" || word == "version") {
    std::printf("labcoat %s\n", LABCOAT_VERSION);
    return exit_ok;
  }
  for (const Command& command : commands) {
    if (word == command.name) return command.run(argc - 1, argv + 1);
  }
  return unknown_command(word);
}

}  // namespace

int usage_error(const char* command, const std::string& text) {
  std::fprintf(stderr, "labcoat %s: %s\n", command, text.c_str());
  return exit_usage;
}

}  // namespace labcoat

int main(int argc, char** argv) {
  return labcoat::run(argc, argv);
}
