#include "supervisor/app_group.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "base/text.h"
#include "supervisor/doorbells.h"

namespace labcoat::supervisor {

using State = WorkerProcess::State;

AppGroup::AppGroup(Setup setup)
    : setup_(std::move(setup)),
      ids_(setup_.endpoints),
      wanted_(setup_.app.workers),
      scaler_({.min = setup_.app.workers_min,
               .max = setup_.app.workers_max,
               .threads = setup_.app.threads,
               .calm_ns = setup_.app.scale_down_ns}),
      jitter_(std::random_device{}()) {}

Status AppGroup::attach(EdgeProcess& edge, i64 now) {
  auto channel = setup_.create_channel();
  if (!channel) return tl::unexpected(channel.error());
  auto bells = make_doorbells(setup_.config.edge_threads);
  if (!bells) return tl::unexpected(bells.error());
  auto scoreboard = Scoreboard::open(channel->get());
  if (!scoreboard) return tl::unexpected(scoreboard.error());
  scoreboard_ = std::move(*scoreboard);
  channel_ = std::move(*channel);
  edge_doorbells_ = std::move(*bells);
  ids_ = EndpointIds(setup_.endpoints);
  edge_ = &edge;
  ++edge_life_;
  edge.add_channel(name(), channel_.get(), numbers(edge_doorbells_));
  edge.tell_memory(name(), memory_counts_);
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

void AppGroup::end_corrupt(const std::vector<int>& ids) {
  for (WorkerProcess& worker : workers_) {
    const bool named = std::any_of(ids.begin(), ids.end(), [&](int id) {
      return std::count(worker.endpoints.begin(), worker.endpoints.end(), id) > 0;
    });
    if (!named || worker.edge_life != edge_life_ || worker.pid == 0) continue;
    spdlog::error("{} writes what no worker may write, says the edge; it is killed",
                  worker.name(name()));
    kill(worker.pid, SIGKILL);
  }
}

void AppGroup::resize(int change) {
  const int most = setup_.endpoints / 2 / setup_.app.threads;
  wanted_ = std::clamp(wanted_ + change, 1, most);
  spdlog::info("app '{}' shall have {} workers", name(), wanted_);
}

void AppGroup::stop(int signal_number, i64 kill_at) {
  stopping_ = true;
  trial_number_ = 0;
  for (auto* zygote : {&zygote_, &next_zygote_}) {
    if (*zygote) orphan_unborn((*zygote)->pid());
  }
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
  for (WorkerProcess& worker : workers_) {
    if (worker.stacks) worker.stacks->expire(now);
  }
  kill_overdue(now);
  end_broken();
  if (stopping_ || edge_done_) return;
  if (!zygote_ && zygote_pace_.may_start(now)) start_zygote(zygote_, now);
  if (edge_ == nullptr) return;
  if (next_zygote_) try_next_zygote(now);
  scale(now);
  look(now);
  recycle_next();
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
  for (const WorkerProcess& worker : workers_) {
    if (worker.stacks) due = std::min(due, worker.stacks->due());
  }
  if (stopping_ || edge_done_) return due;
  if (trial_number_ != 0) {
    const auto is_trial = [this](const auto& w) { return w.number == trial_number_; };
    const auto trial = std::find_if(workers_.begin(), workers_.end(), is_trial);
    if (trial != workers_.end()) due = std::min(due, trial->started_ns + trial_max_ns);
  }
  if (!zygote_) due = std::min(due, zygote_pace_.not_before());
  const int keepers = count([this](const auto& w) { return is_keeper(w); });
  const i64 pause_end = worker_pace_.not_before();
  if (keepers < wanted_ && pause_end > setup_.loop.now()) due = std::min(due, pause_end);
  if (edge_ != nullptr && scaler_.is_on()) due = std::min(due, scale_due_ns_);
  if (edge_ != nullptr && look_interval() != never) due = std::min(due, look_due_ns_);
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
    orphan_unborn(pid);
    if (place == &zygote_) {
      zygote_lost(*lost, describe_exit(status), now);
    } else {
      fail_reload(lost->failure().empty() ? "the interpreter " + describe_exit(status)
                                          : lost->failure());
    }
    return true;
  }
  return false;
}

void AppGroup::zygote_lost(const ZygoteProcess& lost, const std::string& how, i64 now) {
  if (!ever_ready_ && (!lost.is_loaded() || !lost.failure().empty())) {
    failure_ = lost.failure().empty()
                   ? fmt::format("app '{}': the interpreter {} {} while it loaded {}", name(),
                                 setup_.app.python, how, setup_.app.target)
                   : fmt::format("app '{}': {}", name(), lost.failure());
    return;
  }
  if (!lost.failure().empty()) spdlog::error("app '{}': {}", name(), lost.failure());
  if (!lost.is_loaded()) reload_failure_ = lost.failure().empty() ? "it " + how : lost.failure();
  const i64 age = lost.is_loaded() ? now - lost.started_ns() : 0;
  if (const i64 pause = zygote_pace_.died(now, age); pause > 0) {
    spdlog::warn("{} zygotes of app '{}' in a row died young; the next starts in {}",
                 zygote_pace_.young_deaths(), name(), format_duration(pause));
  }
}

}  // namespace labcoat::supervisor
