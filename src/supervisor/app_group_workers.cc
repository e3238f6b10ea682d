// The workers of an AppGroup: their birth, their words, their end.
#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "base/text.h"
#include "supervisor/app_group.h"
#include "supervisor/cpu_plan.h"
#include "supervisor/doorbells.h"

namespace labcoat::supervisor {

using State = WorkerProcess::State;

void AppGroup::start_workers(i64 now) {
  if (!zygote_ || !zygote_->is_loaded() || !worker_pace_.may_start(now)) return;
  for (;;) {
    const int keepers = count([this](const auto& w) { return is_keeper(w); });
    const int forking = count([](const auto& w) { return w.pid == 0; });
    if (keepers >= wanted_) room_made_ = 0;
    if (keepers >= wanted_ || forking >= forks_pending_max || !may_start_worker(now)) return;
    if (!start_worker(*zygote_, now)) return;
  }
}

// Those that shall stay: neither on their way out nor on trial.
bool AppGroup::is_keeper(const WorkerProcess& worker) const {
  return worker.is_live() && !worker.retiring && worker.number != trial_number_;
}

AppGroup::Workers::iterator AppGroup::find_worker(int number) {
  return std::find_if(workers_.begin(), workers_.end(),
                      [&](const auto& worker) { return worker.number == number; });
}

bool AppGroup::start_worker(ZygoteProcess& zygote, i64 now) {
  const int threads = setup_.app.threads;
  if (ids_.free_count() < threads) return false;  // the edge will give some back
  auto bells = make_doorbells(threads);
  auto ours = net::MessageSocket::pair();
  auto edges = net::MessageSocket::pair();
  auto stacks = StacksPipe::create(setup_.loop);
  if (!bells || !ours || !edges || !stacks) {
    spdlog::error("app '{}': no descriptors are left for another worker", name());
    worker_pace_.died(now, 0);
    return false;
  }
  WorkerProcess worker;
  worker.number = ++last_number_;
  worker.place = free_place();
  worker.endpoints = ids_.take(threads);
  worker.edge_life = edge_life_;
  worker.zygote_pid = zygote.pid();
  worker.ends_overdue = zygote.interface() == "asgi";
  worker.started_ns = now;
  set_recycling(worker, now);
  workers_.push_back(std::move(worker));
  WorkerProcess& added = workers_.back();
  added.link = std::make_unique<ControlLink>(
      setup_.loop, std::move(ours->first),
      fmt::format("worker {} of app '{}'", added.number, name()),
      [this, &added](const Json& message, auto) { return on_worker_message(added, message); });
  // The edge first: the worker may take a request before the zygote has told us of its birth.
  edge_->add_worker(identity(added), edges->first.fd(), numbers(*bells));
  added.stacks = std::move(*stacks);
  std::vector<int> fds = {ours->second.fd(), edges->second.fd(), channel_.get(),
                          added.stacks->write_end()};
  for (const auto* list : {&*bells, &edge_doorbells_}) {
    for (const Fd& bell : *list) fds.push_back(bell.get());
  }
  zygote.fork(fork_message(added), fds);
  added.stacks->close_write_end();
  return true;
}

Json AppGroup::fork_message(const WorkerProcess& worker) {
  const config::App& app = setup_.app;
  int max_requests = app.max_requests;
  if (max_requests > 0) {
    // Ten per cent more or less, or all workers of a start would go at once.
    std::uniform_real_distribution<double> factor(0.9, 1.1);
    max_requests = std::max(1, static_cast<int>(max_requests * factor(jitter_)));
  }
  Json settings = {{"threads", app.threads},
                   {"max_requests", max_requests},
                   {"gc", app.gc},
                   {"spin_us", app.spin_ns / us},
                   {"switch_interval_us", app.switch_interval_ns / us},
                   {"nice", app.nice},
                   {"loop", app.loop},
                   {"in_flight", app.in_flight},
                   {"request_timeout_s", static_cast<double>(app.request_timeout_ns) / 1e9},
                   {"websocket_retire_s",
                    static_cast<double>(setup_.config.limits.websocket_retire_timeout_ns) / 1e9},
                   {"multiprocess", std::max(wanted_, app.workers_max) > 1},
                   {"stacks_signal", stacks_signal()},
                   {"response_buffer_bytes", setup_.config.limits.response_buffer_bytes}};
  const std::vector<int> cpus = worker_cpus(app, worker.place, setup_.cpus);
  if (!cpus.empty()) settings["cpus"] = cpus;
  return {{"type", "fork"},
          {"worker", worker.number},
          {"endpoints", worker.endpoints},
          {"edge_threads", setup_.config.edge_threads},
          {"settings", settings}};
}

int AppGroup::free_place() const {
  for (int place = 0;; ++place) {
    const int taken = count([&](const auto& worker) {
      return worker.is_live() && !worker.retiring && worker.place == place;
    });
    if (taken == 0) return place;
  }
}

WorkerIdentity AppGroup::identity(const WorkerProcess& worker) const {
  return {name(), worker.number, worker.pid, worker.endpoints};
}

void AppGroup::on_forked(int number, pid_t pid) {
  const auto worker = find_worker(number);
  if (worker == workers_.end() || worker->pid != 0 || pid <= 0) return;
  born(*worker, pid);
}

void AppGroup::born(WorkerProcess& worker, pid_t pid) {
  worker.pid = pid;
  if (worker.state == State::forking) worker.state = State::starting;
  if (worker.state == State::stopping) kill(pid, SIGTERM);
}

void AppGroup::orphan_unborn(pid_t zygote) {
  // They may exist or not. What they hold in the channel is theirs until we know.
  for (WorkerProcess& worker : workers_) {
    worker.orphaned |= worker.pid == 0 && worker.zygote_pid == zygote;
  }
}

void AppGroup::bury_unborn(i64 now) {
  // A worker says its pid before anything else, so an end without a word means that nobody was
  // there to hold the socket, or that it is dead.
  for (auto worker = workers_.begin(); worker != workers_.end();) {
    const auto next = std::next(worker);
    if (worker->pid == 0 && worker->orphaned) {
      const bool overdue = stopping_ && now >= worker->kill_at_ns;
      if (worker->link->is_open()) worker->link->read_all();
      if (worker->pid == 0 && (overdue || !worker->link->is_open())) {
        worker_gone(worker, "was never born: its zygote is gone", now);
      }
    }
    worker = next;
  }
}

void AppGroup::bury_strangers(i64 now) {
  std::erase_if(strangers_, [&](const Death& death) {
    const auto worker = std::find_if(workers_.begin(), workers_.end(),
                                     [&](const auto& one) { return one.pid == death.pid; });
    if (worker == workers_.end()) return false;
    worker_gone(worker, describe_exit(death.status), now);
    return true;
  });
  // What is left may be of those who have not told us yet.
  if (count([](const auto& one) { return one.pid == 0; }) == 0) strangers_.clear();
}

bool AppGroup::on_worker_message(WorkerProcess& worker, const Json& message) {
  const std::string type = message.at("type");
  if (type == "hello") {
    // Before or after the zygote's word of its birth, or instead of it.
    if (worker.pid == 0) born(worker, message.at("pid"));
    return worker.pid > 0;
  }
  if (type == "ready") {
    if (worker.pid == 0) return false;
    if (worker.is_live()) worker.state = State::ready;
    note_first_memory(worker);
    worker.was_ready = ever_ready_ = true;
    spdlog::info("{} is ready", worker.name(name()));
    return true;
  }
  if (type == "retire") {
    worker.recycle_reason = message.at("reason").get<std::string>();
    return true;
  }
  return false;
}

bool AppGroup::reap(pid_t pid, int status, i64 now) {
  const auto worker = std::find_if(workers_.begin(), workers_.end(),
                                   [&](const auto& one) { return one.pid == pid; });
  if (worker == workers_.end()) return reap_zygote(pid, status, now);
  if (draining_ && WIFEXITED(status) && WEXITSTATUS(status) == 0) edge_done_ |= worker->is_live();
  worker_gone(worker, describe_exit(status), now);
  return true;
}

void AppGroup::note_stranger(pid_t pid, int status) {
  if (count([](const auto& one) { return one.pid == 0; }) > 0) strangers_.push_back({pid, status});
}

void AppGroup::worker_gone(Workers::iterator worker, const std::string& how, i64 now) {
  // Workers finish by themselves when their edge is gone.
  const bool expected =
      !worker->is_live() || edge_done_ || edge_ == nullptr || worker->edge_life != edge_life_;
  const std::string text = fmt::format("{} {}", worker->name(name()), how);
  const bool had_worked = worker->state == State::ready;
  const i64 age = now - worker->started_ns;
  if (edge_ != nullptr && worker->edge_life == edge_life_) edge_->worker_gone(identity(*worker));
  const std::unique_ptr<StacksPipe> stacks = std::move(worker->stacks);
  if (worker->edge_life == edge_life_) {
    for (const int endpoint : worker->endpoints) {
      requests_gone_ += scoreboard_->row(endpoint).requests;
    }
  }
  const bool on_trial = worker->number == trial_number_;
  if (worker->makes_room) ++room_made_;
  workers_.erase(worker);
  if (stacks) stacks->give_up();
  if (expected) {
    spdlog::info("{}", text);
    return;
  }
  if (on_trial) {
    spdlog::warn("{}", text);
    fail_reload("a new worker " + how + " before it was ready");
    return;
  }
  spdlog::warn("{}; another is started", text);
  const i64 pause = worker_pace_.died(now, had_worked ? age : 0);
  if (pause > 0) {
    spdlog::warn("{} workers of app '{}' in a row died young; the next starts in {}",
                 worker_pace_.young_deaths(), name(), format_duration(pause));
  }
  if (!ever_ready_ && pause > 0) {
    failure_ =
        fmt::format("app '{}': its workers die before they are ready; the last {}", name(), how);
  }
}

void AppGroup::stop_surplus(i64 now) {
  // One that retires goes when there are enough without it; of too many, the youngest goes.
  for (;;) {
    const auto usable = [](const auto& w) { return w.state == State::ready; };
    const auto keeper = [this](const auto& w) { return is_keeper(w); };
    const auto retiring = std::find_if(workers_.begin(), workers_.end(),
                                       [](const auto& w) { return w.is_live() && w.retiring; });
    if (retiring != workers_.end() &&
        (count(usable) > wanted_ || retiring->state != State::ready)) {
      retiring->stop(SIGTERM, kill_time(now));
      continue;
    }
    if (count(keeper) <= wanted_) return;
    const auto youngest = std::find_if(workers_.rbegin(), workers_.rend(), keeper);
    youngest->stop(SIGTERM, kill_time(now));
  }
}

void AppGroup::end_broken() {
  for (auto* zygote : {&zygote_, &next_zygote_}) {
    if (*zygote && (*zygote)->is_broken()) (*zygote)->kill();
  }
  for (WorkerProcess& worker : workers_) {
    if (worker.pid == 0 || !worker.link || !worker.link->is_broken()) continue;
    kill(worker.pid, SIGKILL);
    worker.link.reset();
  }
}

void AppGroup::kill_overdue(i64 now) {
  for (WorkerProcess& worker : workers_) {
    if (worker.is_live() || worker.pid == 0 || now < worker.kill_at_ns) continue;
    spdlog::warn("{} has not finished in time and is killed", worker.name(name()));
    kill(worker.pid, SIGKILL);
    worker.kill_at_ns = never;
  }
}

}  // namespace labcoat::supervisor
