#include "supervisor/edge_process.h"

#include <csignal>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config/json.h"

namespace labcoat::supervisor {
namespace {

// A file in memory that nobody can change any more.
Result<Fd> sealed_file(const std::string& content) {
  Fd file(memfd_create("labcoat-config", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail_errno("cannot create a file in memory");
  for (size_t done = 0; done < content.size();) {
    const ssize_t wrote = write(file.get(), content.data() + done, content.size() - done);
    if (wrote < 0) return fail_errno("cannot write a file in memory");
    done += static_cast<size_t>(wrote);
  }
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) !=
      0) {
    return fail_errno("cannot seal a file in memory");
  }
  return file;
}

Json start_message(const EdgeProcess::Start& start) {
  Json urls = Json::array();
  for (const auto* listeners : {&start.listeners, &start.admin}) {
    for (const Listener& listener : *listeners) urls.push_back({{"url", listener.url}});
  }
  return {{"type", "start"}, {"listeners", urls}, {"admin_listeners", start.admin.size()}};
}

Json identity(const char* type, const WorkerIdentity& worker) {
  return {{"type", type},
          {"app", worker.app},
          {"worker", worker.number},
          {"pid", worker.pid},
          {"endpoints", worker.endpoints}};
}

}  // namespace

Result<std::unique_ptr<EdgeProcess>> EdgeProcess::start(net::Loop& loop, const Start& start,
                                                        OnEndpointsFree on_endpoints_free) {
  const auto config = sealed_file(config::to_json(start.config));
  if (!config) return tl::unexpected(config.error());
  auto sockets = net::MessageSocket::pair();
  if (!sockets) return tl::unexpected(sockets.error());
  const auto pid = spawn(start.command, {.inherited_fd = sockets->second.fd(), .cpus = start.cpus});
  if (!pid) return tl::unexpected(pid.error());
  std::unique_ptr<EdgeProcess> edge(
      new EdgeProcess(*pid, loop.now(), std::move(on_endpoints_free)));
  edge->link_ = std::make_unique<ControlLink>(
      loop, std::move(sockets->first), fmt::format("edge (pid {})", *pid),
      [raw = edge.get()](const Json& message) { return raw->on_message(message); });
  std::vector<int> fds = {config->get()};
  for (const auto* listeners : {&start.listeners, &start.admin}) {
    for (const Listener& listener : *listeners) fds.push_back(listener.socket.get());
  }
  edge->link_->send(start_message(start), fds);
  return edge;
}

void EdgeProcess::add_channel(const std::string& app, int memfd,
                              const std::vector<int>& doorbells) {
  std::vector<int> fds = {memfd};
  fds.insert(fds.end(), doorbells.begin(), doorbells.end());
  link_->send({{"type", "channel"}, {"app", app}}, fds);
}

void EdgeProcess::add_worker(const WorkerIdentity& worker, int control,
                             const std::vector<int>& doorbells) {
  std::vector<int> fds = {control};
  fds.insert(fds.end(), doorbells.begin(), doorbells.end());
  link_->send(identity("worker", worker), fds);
}

void EdgeProcess::worker_gone(const WorkerIdentity& worker) {
  link_->send(identity("worker_gone", worker));
}

void EdgeProcess::drain() {
  link_->send({{"type", "drain"}});
}

void EdgeProcess::reload_tls() {
  link_->send({{"type", "reload_tls"}});
}

void EdgeProcess::reopen_logs() {
  link_->send({{"type", "reopen_logs"}});
}

void EdgeProcess::signal(int number) const {
  kill(pid_, number);
}

void EdgeProcess::finish() {
  link_->read_all();
}

bool EdgeProcess::on_message(const Json& message) {
  const std::string type = message.at("type");
  if (type == "ready") {
    ready_ = true;
    spdlog::info("edge (pid {}) is ready", pid_);
    return true;
  }
  if (type == "endpoints_free") {
    on_endpoints_free_(message.at("app"), message.at("endpoints").get<std::vector<int>>());
    return true;
  }
  if (type == "failed") {
    failure_ = message.at("text");
    return true;
  }
  return false;
}

}  // namespace labcoat::supervisor
