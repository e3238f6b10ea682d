#include "cli/check.h"

#include <cstdio>
#include <sys/wait.h>

#include "cli/command.h"
#include "edge/tls_keeper.h"
#include "supervisor/zygote_process.h"

namespace labcoat {
namespace {

constexpr int look_again_ms = 50;

// The sentence that says why not; empty when it can be loaded.
std::string load_once(net::Loop& loop, const config::App& app, const supervisor::Command& command) {
  auto zygote = supervisor::ZygoteProcess::start(loop, command, app, [](int, pid_t) {});
  if (!zygote) return zygote.error().text;
  int status = 0;
  bool reaped = false;
  while (!reaped && !(*zygote)->is_loaded() && (*zygote)->failure().empty()) {
    loop.run_once(look_again_ms);
    reaped = waitpid((*zygote)->pid(), &status, WNOHANG) == (*zygote)->pid();
  }
  (*zygote)->finish();
  const bool loaded = (*zygote)->is_loaded();
  const std::string failure = (*zygote)->failure();
  (*zygote)->dismiss();
  if (!reaped) waitpid((*zygote)->pid(), &status, 0);
  if (loaded) return "";
  if (!failure.empty()) return failure;
  return "the interpreter " + app.python + " " + supervisor::describe_exit(status) +
         " while it loaded " + app.target;
}

}  // namespace

int check_apps(const config::Config& config, const supervisor::Recipe& recipe) {
  auto loop = net::Loop::create();
  if (!loop) return usage_error("serve", loop.error().text);
  for (const config::App& app : config.apps) {
    const std::string failure = load_once(**loop, app, recipe.zygote(app));
    if (!failure.empty()) return usage_error("serve", "app '" + app.name + "': " + failure);
    std::printf("app '%s': %s loads with %s (%s)\n", app.name.c_str(), app.target.c_str(),
                app.python.c_str(), app.python_source.c_str());
  }
  const auto warnings = edge::check_tls(config.tls);
  if (!warnings) return usage_error("serve", warnings.error().text);
  for (const std::string& warning : *warnings) std::printf("warning: %s\n", warning.c_str());
  for (const config::Listen& listen : config.listen) {
    std::printf("would listen on %s\n", listen.url.c_str());
  }
  std::printf("the configuration is fine\n");
  return exit_ok;
}

}  // namespace labcoat
