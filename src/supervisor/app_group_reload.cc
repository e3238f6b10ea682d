// Reloading an app: a new zygote imports the code, and one worker of it is tried out. Only when
// that one is ready does the new zygote take the old one's place, and its workers that of the old
// ones. Whatever goes wrong before, the old code serves on.
#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "base/text.h"
#include "supervisor/app_group.h"

namespace labcoat::supervisor {
namespace {

using State = WorkerProcess::State;

}  // namespace

void AppGroup::reload(i64 now) {
  if (stopping_) return;
  reload_failure_.clear();
  if (next_zygote_) {
    spdlog::info("app '{}' is loaded once more: what was being loaded may be old by now", name());
    dismiss_next();
  }
  if (zygote_ && zygote_->is_loaded()) {
    start_zygote(next_zygote_, now);
    if (!next_zygote_) reload_failure_ = "no zygote can be started";
    return;
  }
  // Nothing of its own is at stake: what is being loaded, or is to be loaded after a pause, is
  // loaded from here on.
  if (zygote_) {
    zygote_->kill();
    dismissed_zygotes_.push_back(std::move(zygote_));
  }
  for (WorkerProcess& worker : workers_) worker.outdated = worker.retiring = true;
  start_zygote(zygote_, now);
}

bool AppGroup::is_reloading() const {
  // One that has been told to stop may still take a request, until it is busy or gone: only then is
  // every later request the new code's.
  const auto may_take = [this](const WorkerProcess& worker) {
    if (!worker.outdated || worker.edge_life != edge_life_) return false;
    if (worker.is_live()) return true;
    return worker.was_ready &&
           std::any_of(worker.endpoints.begin(), worker.endpoints.end(),
                       [this](int id) { return scoreboard_->row(id).started_ns == 0; });
  };
  return next_zygote_ || count(may_take) > 0;
}

void AppGroup::try_next_zygote(i64 now) {
  if (!next_zygote_->is_loaded()) return;
  const auto trial = find_worker(trial_number_);
  if (trial == workers_.end()) {
    if (start_worker(*next_zygote_, now)) {
      trial_number_ = workers_.back().number;
      workers_.back().place = 0;
    }
    return;
  }
  if (trial->state == State::ready) {
    adopt_next_zygote();
  } else if (now >= trial->started_ns + trial_max_ns) {
    fail_reload(fmt::format("a new worker was not ready after {}", format_duration(trial_max_ns)));
  }
}

void AppGroup::adopt_next_zygote() {
  if (zygote_) {
    orphan_unborn(zygote_->pid());
    zygote_->dismiss();
    dismissed_zygotes_.push_back(std::move(zygote_));
  }
  zygote_ = std::move(next_zygote_);
  spdlog::info("app '{}' is loaded again; its workers are replaced", name());
  for (WorkerProcess& worker : workers_) {
    if (worker.number != trial_number_) worker.outdated = worker.retiring = true;
  }
  trial_number_ = 0;
  sizes_.clear();
}

void AppGroup::fail_reload(const std::string& why) {
  reload_failure_ = why;
  spdlog::error("app '{}' cannot be loaded again: {}; its workers stay as they are", name(), why);
  dismiss_next();
}

void AppGroup::dismiss_next() {
  const auto trial = find_worker(trial_number_);
  trial_number_ = 0;
  if (trial != workers_.end()) trial->stop(SIGTERM, kill_time(setup_.loop.now()));
  if (!next_zygote_) return;
  orphan_unborn(next_zygote_->pid());
  next_zygote_->is_loaded() ? next_zygote_->dismiss() : next_zygote_->kill();
  dismissed_zygotes_.push_back(std::move(next_zygote_));
}

}  // namespace labcoat::supervisor
