// labcoat top: what a running server does, again and again.
#include <cstdio>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/control_words.h"
#include "cli/worker_table.h"

namespace labcoat {
namespace {

constexpr ControlCommand top_usage = {
    .name = "top",
    .help = R"(usage: labcoat top [-i INTERVAL] [-n TIMES] [-c FILE | --pid PID | --control PATH]

Shows what a running `labcoat serve` does, live: as `labcoat status`, with rates. It works when the workers' Python is stuck. ^C ends it.

  -i, --interval TIME how long between two looks (default 1s)
  -n, --times N       end after so many looks
)",
    .has_interval = true,
};

// Home, then erase to the end of each line and of the screen: nothing flickers.
constexpr const char* cursor_home = "\x1b[H";
constexpr const char* erase_line = "\x1b[K\n";
constexpr const char* erase_rest = "\x1b[J";

// The terminal's size; nothing is cut when there is none.
winsize terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) size = {};
  return size;
}

void show_on_terminal(const std::string& page, size_t rows) {
  std::string out = cursor_home;
  size_t line = 0;
  for (const char c : page) {
    if (c != '\n') {
      out += c;
      continue;
    }
    if (++line == rows) break;  // one more would scroll
    out += erase_line;
  }
  std::fputs((out + erase_rest).c_str(), stdout);
}

}  // namespace

int top_command(int argc, char** argv) {
  int exit_code = exit_ok;
  const auto words = parse_control_words(top_usage, argc, argv, exit_code);
  if (!words) return exit_code;
  auto client = ControlClient::find(words->server);
  if (!client) return control_failed(top_usage, client.error().text);
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  Json earlier;
  for (int shown = 0; words->times == 0 || shown < words->times; ++shown) {
    if (shown > 0) usleep(static_cast<useconds_t>(words->interval_ns / us));
    auto status = client->ask_details({{"type", "status"}});
    if (!status) return control_failed(top_usage, status.error().text);
    const winsize size = terminal_size();
    const std::string page =
        worker_table(*status, earlier.is_null() ? nullptr : &earlier, size.ws_col);
    if (terminal) {
      show_on_terminal(page, size.ws_row);
    } else {
      std::fputs(((shown > 0 ? "\n" : "") + page).c_str(), stdout);
    }
    std::fflush(stdout);
    earlier = std::move(*status);
  }
  return exit_ok;
}

}  // namespace labcoat
