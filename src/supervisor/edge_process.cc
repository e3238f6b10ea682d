#include "supervisor/edge_process.h"

#include <csignal>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include "base/sealed_file.h"
#include "config/json.h"
#include "net/tls_files.h"

namespace labcoat::supervisor {
namespace {

Json start_message(const EdgeProcess::Start& start) {
  Json urls = Json::array();
  for (const auto* listeners : {&start.listeners, &start.admin}) {
    for (const Listener& listener : *listeners) urls.push_back({{"url", listener.url}});
  }
  return {{"type", "start"},
          {"listeners", urls},
          {"admin_listeners", start.admin.size()},
          {"certificates", start.certificates >= 0},
          {"first", start.first}};
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
                                                        Events events) {
  const auto config = sealed_file("labcoat-config", config::to_json(start.config));
  if (!config) return tl::unexpected(config.error());
  auto sockets = net::MessageSocket::pair();
  if (!sockets) return tl::unexpected(sockets.error());
  const auto pid = spawn(start.command, {.inherited_fd = sockets->second.fd(), .cpus = start.cpus});
  if (!pid) return tl::unexpected(pid.error());
  std::unique_ptr<EdgeProcess> edge(new EdgeProcess(*pid, loop.now(), std::move(events)));
  edge->link_ = std::make_unique<ControlLink>(
      loop, std::move(sockets->first), fmt::format("edge (pid {})", *pid),
      [raw = edge.get()](const Json& message, std::span<Fd> from_edge) {
        return raw->on_message(message, from_edge);
      });
  std::vector<int> fds = {config->get()};
  for (const auto* listeners : {&start.listeners, &start.admin}) {
    for (const Listener& listener : *listeners) fds.push_back(listener.socket.get());
  }
  if (start.certificates >= 0) fds.push_back(start.certificates);
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

void EdgeProcess::tell_memory(const std::string& app, const MemoryCounts& counts) {
  link_->send({{"type", "memory"},
               {"app", app},
               {"drained_first", counts.drained_first},
               {"recycled_for_cgroup", counts.recycled_for_cgroup},
               {"scale_ups_refused", counts.scale_ups_refused}});
}

void EdgeProcess::drain() {
  link_->send({{"type", "drain"}});
}

void EdgeProcess::stop() {
  link_->send({{"type", "stop"}});
}

void EdgeProcess::adopt(const config::Config& config) {
  const auto file = sealed_file("labcoat-config", config::to_json(config));
  if (!file) {
    spdlog::error("the edge cannot be told of the new configuration: {}", file.error().text);
    return;
  }
  const int fds[] = {file->get()};
  link_->send({{"type", "config"}}, fds);
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

bool EdgeProcess::on_message(const Json& message, std::span<Fd> fds) {
  const std::string type = message.at("type");
  if (type == "ready") {
    ready_ = true;
    spdlog::info("edge (pid {}) is ready", pid_);
    return true;
  }
  if (type == "endpoints_free") {
    events_.on_free(message.at("app"), message.at("endpoints").get<std::vector<int>>());
    return true;
  }
  if (type == "corrupt") {
    events_.on_corrupt(message.at("app"), message.at("endpoints").get<std::vector<int>>());
    return true;
  }
  if (type == "certificates") {
    // Another edge will read it: it must be nothing that waits, or changes.
    if (fds.size() != 1 || !is_sealed_file(fds[0].get())) return false;
    if (struct stat info;
        fstat(fds[0].get(), &info) != 0 || info.st_size > net::TlsFiles::saved_bytes_max) {
      return false;
    }
    events_.on_certificates(std::move(fds[0]));
    return true;
  }
  if (type == "failed") {
    failure_ = message.at("text");
    return true;
  }
  return false;
}

}  // namespace labcoat::supervisor
