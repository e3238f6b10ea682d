#include "supervisor/app_group.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <limits>
#include <spdlog/spdlog.h>
#include <sys/eventfd.h>

#include "base/text.h"
#include "supervisor/cpu_plan.h"

namespace labcoat::supervisor {
namespace {

using State = WorkerProcess::State;

constexpr i64 never = std::numeric_limits<i64>::max();

Result<std::vector<Fd>> make_doorbells(int count) {
  std::vector<Fd> bells;
  for (int i = 0; i < count; ++i) {
    Fd bell(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!bell) return fail_errno("cannot create an eventfd");
    bells.push_back(std::move(bell));
  }
  return bells;
}

std::vector<int> numbers(const std::vector<Fd>& fds) {
  std::vector<int> out;
  for (const Fd& fd : fds) out.push_back(fd.get());
  return out;
}

}  // namespace

AppGroup::AppGroup(Setup setup)
    : setup_(std::move(setup)),
      ids_(setup_.endpoints),
      wanted_(setup_.app.workers),
      jitter_(std::random_device{}()) {}

template <class Predicate>
int AppGroup::count(Predicate predicate) const {
  return static_cast<int>(std::count_if(workers_.begin(), workers_.end(), predicate));
}

Status AppGroup::attach(EdgeProcess& edge, i64 now) {
  auto channel = setup_.create_channel();
  if (!channel) return tl::unexpected(channel.error());
  auto bells = make_doorbells(setup_.config.edge_threads);
  if (!bells) return tl::unexpected(bells.error());
  channel_ = std::move(*channel);
  edge_doorbells_ = std::move(*bells);
  ids_ = EndpointIds(setup_.endpoints);
  edge_ = &edge;
  ++edge_life_;
  edge.add_channel(name(), channel_.get(), numbers(edge_doorbells_));
  for (WorkerProcess& worker : workers_) {
    if (worker.is_live()) worker.stop(SIGTERM, kill_time(now));
  }
  return {};
}

void AppGroup::detach() {
  edge_ = nullptr;
}

void AppGroup::endpoints_free(const std::vector<int>& ids) {
  ids_.give_back(ids);
}

void AppGroup::resize(int change) {
  const int most = setup_.endpoints / 2 / setup_.app.threads;
  wanted_ = std::clamp(wanted_ + change, 1, most);
  spdlog::info("app '{}' shall have {} workers", name(), wanted_);
}

void AppGroup::reload(i64 now) {
  if (stopping_ || next_zygote_ || !zygote_ || !zygote_->is_loaded()) {
    spdlog::warn("app '{}' is not loaded again: it is being loaded already", name());
    return;
  }
  start_zygote(next_zygote_, now);
}

void AppGroup::stop(int signal_number, i64 kill_at) {
  stopping_ = true;
  orphan_unborn();
  for (WorkerProcess& worker : workers_) worker.stop(signal_number, kill_at);
  for (auto* zygote : {&zygote_, &next_zygote_}) {
    if (!*zygote) continue;
    // Its socket's end ends it, unless it is inside the app's import.
    (*zygote)->is_loaded() ? (*zygote)->dismiss() : (*zygote)->kill();
    dismissed_zygotes_.push_back(std::move(*zygote));
  }
}

bool AppGroup::is_ready() const {
  return count([&](const WorkerProcess& worker) {
           return worker.state == State::ready && worker.edge_life == edge_life_;
         }) > 0;
}

bool AppGroup::is_stopped() const {
  return workers_.empty() && !zygote_ && !next_zygote_ && dismissed_zygotes_.empty();
}

void AppGroup::reconcile(i64 now) {
  bury_unborn(now);
  bury_strangers(now);
  kill_overdue(now);
  end_broken();
  if (stopping_) return;
  if (!zygote_ && zygote_pace_.may_start(now)) start_zygote(zygote_, now);
  if (next_zygote_ && next_zygote_->is_loaded()) adopt_next_zygote();
  if (edge_ == nullptr) return;
  start_workers(now);
  stop_surplus(now);
}

i64 AppGroup::next_due() const {
  i64 due = never;
  for (const WorkerProcess& worker : workers_) {
    // Without a pid it cannot be killed, only given up when everything stops.
    const bool has_end = !worker.is_live() && (worker.pid != 0 || stopping_);
    if (has_end) due = std::min(due, worker.kill_at_ns);
  }
  if (stopping_) return due;
  if (!zygote_) due = std::min(due, zygote_pace_.not_before());
  const int keepers = count([](const auto& w) { return w.is_live() && !w.retiring; });
  const i64 pause_end = worker_pace_.not_before();
  if (keepers < wanted_ && pause_end > setup_.loop.now()) due = std::min(due, pause_end);
  return due;
}

// --- the zygote

void AppGroup::start_zygote(std::unique_ptr<ZygoteProcess>& place, i64 now) {
  auto zygote = ZygoteProcess::start(setup_.loop, setup_.zygote, setup_.app,
                                     [this](int worker, pid_t pid) { on_forked(worker, pid); });
  if (zygote) {
    place = std::move(*zygote);
    return;
  }
  spdlog::error("app '{}': {}", name(), zygote.error().text);
  if (&place != &zygote_) return;
  zygote_pace_.died(now, 0);
  if (!ever_ready_) failure_ = fmt::format("app '{}': {}", name(), zygote.error().text);
}

void AppGroup::adopt_next_zygote() {
  if (zygote_) {
    orphan_unborn();
    zygote_->dismiss();
    dismissed_zygotes_.push_back(std::move(zygote_));
  }
  zygote_ = std::move(next_zygote_);
  spdlog::info("app '{}' is loaded again; its workers are replaced", name());
  for (WorkerProcess& worker : workers_) worker.retiring = true;
}

bool AppGroup::reap_zygote(pid_t pid, int status, i64 now) {
  const auto dismissed = std::find_if(dismissed_zygotes_.begin(), dismissed_zygotes_.end(),
                                      [&](const auto& one) { return one->pid() == pid; });
  if (dismissed != dismissed_zygotes_.end()) {
    dismissed_zygotes_.erase(dismissed);
    return true;
  }
  for (auto* place : {&zygote_, &next_zygote_}) {
    if (!*place || (*place)->pid() != pid) continue;
    const std::unique_ptr<ZygoteProcess> lost = std::move(*place);
    lost->finish();
    spdlog::warn("zygote of app '{}' (pid {}) {}", name(), pid, describe_exit(status));
    if (place == &zygote_) {
      zygote_lost(*lost, describe_exit(status), now);
    } else {
      spdlog::error("app '{}' cannot be loaded again: {}; its workers stay as they are", name(),
                    lost->failure().empty() ? describe_exit(status) : lost->failure());
    }
    return true;
  }
  return false;
}

void AppGroup::zygote_lost(const ZygoteProcess& lost, const std::string& how, i64 now) {
  orphan_unborn();
  if (!ever_ready_ && !lost.is_loaded()) {
    failure_ = lost.failure().empty()
                   ? fmt::format("app '{}': the interpreter {} {} while it loaded {}", name(),
                                 setup_.app.python, how, setup_.app.target)
                   : fmt::format("app '{}': {}", name(), lost.failure());
    return;
  }
  if (!lost.failure().empty()) spdlog::error("app '{}': {}", name(), lost.failure());
  const i64 age = lost.is_loaded() ? now - lost.started_ns() : 0;
  if (const i64 pause = zygote_pace_.died(now, age); pause > 0) {
    spdlog::warn("{} zygotes of app '{}' in a row died young; the next starts in {}",
                 zygote_pace_.young_deaths(), name(), format_duration(pause));
  }
}

// --- workers

void AppGroup::start_workers(i64 now) {
  if (!zygote_ || !zygote_->is_loaded() || !worker_pace_.may_start(now)) return;
  for (;;) {
    const int keepers = count([](const auto& w) { return w.is_live() && !w.retiring; });
    const int forking = count([](const auto& w) { return w.pid == 0; });
    if (keepers >= wanted_ || forking >= forks_pending_max || !start_worker(now)) return;
  }
}

bool AppGroup::start_worker(i64 now) {
  const int threads = setup_.app.threads;
  if (ids_.free_count() < threads) return false;  // the edge will give some back
  auto bells = make_doorbells(threads);
  auto ours = net::MessageSocket::pair();
  auto edges = net::MessageSocket::pair();
  if (!bells || !ours || !edges) {
    spdlog::error("app '{}': no descriptors are left for another worker", name());
    worker_pace_.died(now, 0);
    return false;
  }
  WorkerProcess worker;
  worker.number = ++last_number_;
  worker.place = free_place();
  worker.endpoints = ids_.take(threads);
  worker.edge_life = edge_life_;
  worker.started_ns = now;
  workers_.push_back(std::move(worker));
  WorkerProcess& added = workers_.back();
  added.link = std::make_unique<ControlLink>(
      setup_.loop, std::move(ours->first),
      fmt::format("worker {} of app '{}'", added.number, name()),
      [this, &added](const Json& message) { return on_worker_message(added, message); });
  // The edge first: the worker may take a request before the zygote has told us of its birth.
  edge_->add_worker(identity(added), edges->first.fd(), numbers(*bells));
  std::vector<int> fds = {ours->second.fd(), edges->second.fd(), channel_.get()};
  for (const auto* list : {&*bells, &edge_doorbells_}) {
    for (const Fd& bell : *list) fds.push_back(bell.get());
  }
  zygote_->fork(fork_message(added), fds);
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
                   {"multiprocess", wanted_ > 1},
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
  const auto worker = std::find_if(workers_.begin(), workers_.end(),
                                   [&](const auto& one) { return one.number == number; });
  if (worker == workers_.end() || worker->pid != 0 || pid <= 0) return;
  born(*worker, pid);
}

void AppGroup::born(WorkerProcess& worker, pid_t pid) {
  worker.pid = pid;
  if (worker.state == State::forking) worker.state = State::starting;
  if (worker.state == State::stopping) kill(pid, SIGTERM);
}

void AppGroup::orphan_unborn() {
  // They may exist or not. What they hold in the channel is theirs until we know.
  for (WorkerProcess& worker : workers_) worker.orphaned |= worker.pid == 0;
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
    ever_ready_ = true;
    spdlog::info("{} is ready", worker.name(name()));
    return true;
  }
  if (type == "retire") {
    spdlog::info("{} is to be replaced: {}", worker.name(name()),
                 message.at("reason").get<std::string>());
    worker.retiring = true;
    return true;
  }
  return false;
}

bool AppGroup::reap(pid_t pid, int status, i64 now) {
  const auto worker = std::find_if(workers_.begin(), workers_.end(),
                                   [&](const auto& one) { return one.pid == pid; });
  if (worker == workers_.end()) return reap_zygote(pid, status, now);
  worker_gone(worker, describe_exit(status), now);
  return true;
}

void AppGroup::note_stranger(pid_t pid, int status) {
  if (count([](const auto& one) { return one.pid == 0; }) > 0) strangers_.push_back({pid, status});
}

void AppGroup::worker_gone(Workers::iterator worker, const std::string& how, i64 now) {
  // Workers finish by themselves when their edge is gone.
  const bool expected = !worker->is_live() || edge_ == nullptr || worker->edge_life != edge_life_;
  const std::string text = fmt::format("{} {}", worker->name(name()), how);
  const bool had_worked = worker->state == State::ready;
  const i64 age = now - worker->started_ns;
  if (edge_ != nullptr && worker->edge_life == edge_life_) edge_->worker_gone(identity(*worker));
  workers_.erase(worker);
  if (expected) {
    spdlog::info("{}", text);
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
    const auto keeper = [](const auto& w) { return w.is_live() && !w.retiring; };
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
