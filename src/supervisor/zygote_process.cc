#include "supervisor/zygote_process.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace labcoat::supervisor {

Result<std::unique_ptr<ZygoteProcess>> ZygoteProcess::start(net::Loop& loop, const Command& command,
                                                            const config::App& app,
                                                            OnForked on_forked) {
  auto sockets = net::MessageSocket::pair();
  if (!sockets) return tl::unexpected(sockets.error());
  const auto pid = spawn(command, {.inherited_fd = sockets->second.fd()});
  if (!pid) return tl::unexpected(pid.error());
  spdlog::info("zygote of app '{}' (pid {}) loads {} with {}", app.name, *pid, app.target,
               app.python);
  std::unique_ptr<ZygoteProcess> zygote(
      new ZygoteProcess(*pid, loop.now(), app.name, std::move(on_forked)));
  zygote->link_ = std::make_unique<ControlLink>(
      loop, std::move(sockets->first), fmt::format("zygote of app '{}' (pid {})", app.name, *pid),
      [raw = zygote.get()](const Json& message, auto) { return raw->on_message(message); });
  zygote->link_->send({{"type", "load"},
                       {"app", app.name},
                       {"target", app.target},
                       {"directory", app.directory},
                       {"user", app.user},
                       {"group", app.group},
                       {"pre_fork", app.pre_fork},
                       {"post_fork", app.post_fork},
                       {"warm_up", app.warm_up},
                       {"interface", app.interface},
                       {"loop", app.loop},
                       {"gc", app.gc},
                       {"immortal_objects", app.immortal_objects}});
  return zygote;
}

bool ZygoteProcess::fork(const Json& message, std::span<const int> fds) {
  return link_->send(message, fds);
}

void ZygoteProcess::kill() const {
  ::kill(pid_, SIGKILL);
}

bool ZygoteProcess::on_message(const Json& message) {
  const std::string type = message.at("type");
  if (type == "loaded") {
    loaded_ = true;
    interface_ = message.at("interface");
    python_ = message.at("python");
    spdlog::info("zygote of app '{}' (pid {}) has loaded it: {} on Python {}", app_, pid_,
                 interface_, python_);
    return true;
  }
  if (type == "failed") {
    failure_ = message.at("text");
    return true;
  }
  if (type == "forked") {
    on_forked_(message.at("worker"), message.at("pid"));
    return true;
  }
  return false;
}

}  // namespace labcoat::supervisor
