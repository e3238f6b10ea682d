// What people ask the supervisor over its control socket (docs/formats/control.md).
#include <algorithm>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "config/adoption.h"
#include "supervisor/process_memory.h"
#include "supervisor/supervisor.h"

namespace labcoat::supervisor {
namespace {

Json result(bool ok, const std::string& text) {
  return {{"type", "result"}, {"ok", ok}, {"text", text}};
}

}  // namespace

Status Supervisor::open_control() {
  if (recipe_.control.path.empty()) return {};
  auto server = ControlServer::open(
      *loop_, recipe_.control.path,
      [this](int client, const Json& request) { return on_control(client, request); });
  if (server) {
    control_ = std::move(*server);
    return {};
  }
  if (recipe_.control.is_required) return tl::unexpected(server.error());
  spdlog::warn("there will be no control socket: {}", server.error().text);
  return {};
}

bool Supervisor::on_control(int client, const Json& request) {
  const std::string type = request.at("type");
  if (type == "about") {
    control_->answer(client, about());
  } else if (type == "status") {
    control_->answer(client, {{"type", "status"}}, status(loop_->now()));
  } else if (type == "stacks") {
    ask_stacks(client, loop_->now());
  } else if (type == "reload") {
    reload_for(client);
  } else if (type == "stop") {
    stop_for(client, request.at("fast"));
  } else {
    return false;
  }
  return true;
}

Json Supervisor::about() const {
  return {{"type", "about"},
          {"pid", getpid()},
          {"version", recipe_.control.version},
          {"directory", recipe_.control.directory},
          {"config", recipe_.control.config_file}};
}

Json Supervisor::status(i64 now) const {
  Json apps = Json::array();
  for (const AppGroup& group : groups_) apps.push_back(group.status(now));
  Json edge;
  if (edge_) {
    edge = {{"pid", edge_->pid()},
            {"ready", edge_->is_ready()},
            {"age_s", static_cast<double>(now - edge_->started_ns()) / seconds},
            {"memory_bytes", proportional_bytes(edge_->pid())}};
  }
  static constexpr const char* phases[] = {"running", "draining", "ending"};
  Json out = about();
  out["schema"] = "labcoat.status/1";
  out.erase("type");
  out["state"] =
      announced_ || phase_ != Phase::running ? phases[static_cast<int>(phase_)] : "starting";
  out["age_s"] = static_cast<double>(now - started_ns_) / seconds;
  out["now_us"] = now / us;  // of the same clock in every answer: differences are what counts
  out["listen"] = urls_of(listeners_);
  out["admin"] = urls_of(admin_);
  out["edge"] = edge;
  out["cgroup"] = nullptr;
  if (const auto use = memory_.fullest()) {
    out["cgroup"] = {
        {"limit", use->limit}, {"max_bytes", use->max_bytes}, {"used_bytes", use->used_bytes}};
  }
  out["apps"] = apps;
  return out;
}

void Supervisor::ask_stacks(int client, i64 now) {
  // Shared by the callbacks of all workers; the last one answers.
  struct Collected {
    Json workers = Json::array();
    int missing = 1;  // one is ours, until all are asked
  };
  const auto collected = std::make_shared<Collected>();
  const auto one_less = [this, client, collected] {
    if (--collected->missing > 0) return;
    control_->answer(client, {{"type", "stacks"}}, {{"workers", collected->workers}});
  };
  for (AppGroup& group : groups_) {
    collected->missing += group.ask_stacks(now, [collected, one_less](Json worker) {
      collected->workers.push_back(std::move(worker));
      one_less();
    });
  }
  one_less();
}

void Supervisor::reload_for(int client) {
  if (phase_ != Phase::running) {
    control_->answer(client, result(false, "the server is stopping"));
    return;
  }
  reload(loop_->now(), "reload");
  reload_clients_.push_back(client);
}

void Supervisor::reload(i64 now, const char* why) {
  spdlog::info("{}: reading the configuration and loading the apps again", why);
  adopt_configuration();
  for (AppGroup& group : groups_) group.reload(now);
  if (edge_) edge_->reload_tls();
}

void Supervisor::adopt_configuration() {
  config_failure_.clear();
  if (!recipe_.read_again) return;
  const auto fresh = recipe_.read_again();
  const auto adoption = fresh ? config::adopt(config_, *fresh)
                              : Result<config::Adoption>(tl::unexpected(fresh.error()));
  if (!adoption) {
    config_failure_ = adoption.error().text;
    spdlog::error("the configuration in force stays, for the new one cannot be used: {}",
                  config_failure_);
    return;
  }
  if (!adoption->adopted.empty()) {
    spdlog::info("in force from now on: {}", fmt::join(adoption->adopted, ", "));
    if (edge_) edge_->adopt(config_);
  }
  if (!adoption->at_restart.empty()) {
    spdlog::warn("changed, but in force only after a restart: {}",
                 fmt::join(adoption->at_restart, ", "));
  }
}

void Supervisor::answer_reloads() {
  if (reload_clients_.empty()) return;
  std::string failures;
  if (!config_failure_.empty()) failures = "the configuration: " + config_failure_;
  for (const AppGroup& group : groups_) {
    const std::string& failure = group.reload_failure();
    if (failure.empty() && group.is_reloading() && phase_ == Phase::running) return;
    if (failure.empty()) continue;
    if (!failures.empty()) failures += "; ";
    failures += fmt::format("app '{}' cannot be loaded again: {}", group.name(), failure);
  }
  if (phase_ != Phase::running && failures.empty()) failures = "the server is stopping";
  for (const int client : reload_clients_) {
    control_->answer(client, result(failures.empty(), failures));
  }
  reload_clients_.clear();
}

void Supervisor::stop_for(int client, bool fast) {
  stop_clients_.push_back(client);
  const i64 now = loop_->now();
  if (fast) {
    spdlog::info("stop: at once");
    stop_fast(now, phase_ == Phase::draining ? 1 : exit_code_);
  } else if (phase_ == Phase::running) {
    spdlog::info("stop: answering what was accepted, then stopping");
    begin_drain(now);
  }
}

void Supervisor::answer_stops() {
  const std::string text = exit_code_ == 0 ? "" : "not everything that was accepted was answered";
  for (const int client : stop_clients_) control_->answer(client, result(exit_code_ == 0, text));
  stop_clients_.clear();
}

}  // namespace labcoat::supervisor
