// An AppGroup's manners in a cgroup with a limit of memory. A successor is ready before its
// predecessor goes only while there is room for both; otherwise the old one goes first. When the
// cgroup is nearly full, who has grown most is replaced before the kernel chooses whom to kill. And
// the autoscaler gets no worker that would make it so full.
#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/text.h"
#include "supervisor/app_group.h"
#include "supervisor/process_memory.h"

namespace labcoat::supervisor {
namespace {

using State = WorkerProcess::State;

}  // namespace

void AppGroup::look_at_sizes() {
  for (WorkerProcess& worker : workers_) {
    if (worker.sized || worker.outdated || worker.state != State::ready) continue;
    if (worker.edge_life != edge_life_) continue;
    u64 requests = 0;
    for (const int endpoint : worker.endpoints) requests += scoreboard_->row(endpoint).requests;
    if (requests < WorkerSizes::requests_first) continue;
    worker.sized = true;
    sizes_.add(private_bytes(worker.pid));
  }
}

// Nobody has worked enough to know: as much as the largest has so far.
i64 AppGroup::size_of_one_more() const {
  if (const i64 typical = sizes_.typical(); typical >= 0) return typical;
  i64 most = 0;
  for (const WorkerProcess& worker : workers_) {
    if (worker.state == State::ready) most = std::max(most, private_bytes(worker.pid));
  }
  return most;
}

bool AppGroup::has_room_for_one_more() const {
  // Those that were just begun will take what is not counted yet.
  const int growing = count([](const WorkerProcess& worker) {
    return worker.state == State::forking || worker.state == State::starting;
  });
  return setup_.memory.has_room(size_of_one_more() * (1 + growing));
}

// Whether another worker may be started now. Who takes a place that nobody leaves is always let in:
// how many there are is the user's to say.
bool AppGroup::may_start_worker(i64 now) {
  const auto makes_room = [](const WorkerProcess& worker) { return worker.makes_room; };
  const auto in_turn = std::find_if(workers_.begin(), workers_.end(), [](const auto& worker) {
    return worker.is_live() && worker.retiring;
  });
  if (room_made_ > 0) {
    --room_made_;
    return true;
  }
  if (in_turn == workers_.end() && count(makes_room) == 0) return true;
  if (has_room_for_one_more()) return true;
  if (in_turn == workers_.end() || count(makes_room) > 0) return false;
  ++memory_counts_.drained_first;
  if (edge_ != nullptr) edge_->tell_memory(name(), memory_counts_);
  if (!std::exchange(no_room_said_, true)) {
    const auto use = setup_.memory.fullest();
    spdlog::warn(
        "app '{}': {} leaves no room for one worker more ({} of {} are taken, it would need {}): "
        "workers are ended before their successors are started, as long as that is so",
        name(), use ? use->limit : "memory.max", format_size(use ? use->used_bytes : 0),
        format_size(use ? use->max_bytes : 0), format_size(size_of_one_more()));
  }
  in_turn->makes_room = true;
  in_turn->stop(SIGTERM, kill_time(now));
  return false;
}

i64 AppGroup::growth_to_come() const {
  const i64 size = size_of_one_more();
  i64 bytes = 0;
  for (const WorkerProcess& worker : workers_) {
    if (!is_keeper(worker) || worker.sized) continue;
    const i64 has = worker.pid == 0 ? 0 : private_bytes(worker.pid);
    bytes += std::max<i64>(0, size - std::max<i64>(0, has));
  }
  const int keepers = count([this](const WorkerProcess& worker) { return is_keeper(worker); });
  return bytes + size * std::max(0, wanted_ - keepers);
}

// Nobody has worked enough to know. Whoever has been at work on the same requests for long has
// grown as they make it grow.
bool AppGroup::is_size_a_guess(i64 now) {
  if (sizes_.typical() >= 0) return false;
  if (guessing_since_ns_ == 0 || now - guessing_asked_ns_ > 2 * Autoscaler::room_retry_ns) {
    guessing_since_ns_ = now;
  }
  guessing_asked_ns_ = now;
  return now - guessing_since_ns_ < Autoscaler::guess_max_ns;
}

// As many of the workers that the autoscaler wants as memory has room for. How many there are at
// least is the user's to say.
int AppGroup::within_memory(i64 now, int workers) {
  const int granted = std::max(wanted_, setup_.app.workers_min);
  if (workers <= granted) return workers;
  if (now < room_asked_again_ns_) return granted;
  // Where workers are replaced because they have grown, one more would only make that begin.
  const double most = 1 - CgroupMemory::spare_share;
  const double share = setup_.config.recycle_cgroup_share;
  const auto left = setup_.memory.room(share > 0 ? std::min(share, most) : most);
  if (!left) return workers;
  const Autoscaler::Room room{.left_bytes = *left,
                              .worker_bytes = size_of_one_more(),
                              .growth_bytes = setup_.growth_of_all(),
                              .is_guess = is_size_a_guess(now)};
  const int fit = granted + Autoscaler::that_fit(workers - granted, room);
  if (fit == workers) return workers;
  room_asked_again_ns_ = now + Autoscaler::room_retry_ns;
  ++memory_counts_.scale_ups_refused;
  if (edge_ != nullptr) edge_->tell_memory(name(), memory_counts_);
  if (!std::exchange(no_more_fit_said_, true)) {
    say_what_fits(workers - granted, fit - granted, room);
  }
  return fit;
}

void AppGroup::say_what_fits(int needed, int fit, const Autoscaler::Room& room) const {
  const auto use = setup_.memory.fullest();
  spdlog::warn(
      "app '{}': requests wait for {} more workers, but {} leaves room for {} ({} of {} are taken, "
      "one would need {}, and those that have just begun {} more): the others are started when "
      "they fit",
      name(), needed, use ? use->limit : "memory.max", fit, format_size(use ? use->used_bytes : 0),
      format_size(use ? use->max_bytes : 0), format_size(room.worker_bytes),
      format_size(room.growth_bytes));
}

std::optional<AppGroup::Grown> AppGroup::most_grown() {
  const i64 typical = sizes_.typical();
  if (typical < 0 || edge_ == nullptr || stopping_ || draining_) return {};
  std::optional<Grown> most;
  for (WorkerProcess& worker : workers_) {
    if (worker.state != State::ready || worker.edge_life != edge_life_) continue;
    const i64 bytes = private_bytes(worker.pid);
    if (most && most->bytes >= bytes) continue;
    most = {.worker = worker.number, .bytes = bytes, .growth_bytes = bytes - typical};
  }
  return most;
}

bool AppGroup::is_replacing() const {
  return next_zygote_ || count([](const WorkerProcess& worker) {
                           return worker.retiring || worker.is_recycled() || worker.outdated;
                         }) > 0;
}

void AppGroup::recycle_grown(const Grown& grown, const CgroupMemory::Use& use) {
  const auto worker = find_worker(grown.worker);
  if (worker == workers_.end()) return;
  ++memory_counts_.recycled_for_cgroup;
  if (edge_ != nullptr) edge_->tell_memory(name(), memory_counts_);
  worker->recycle_reason =
      fmt::format("{:.0f} % of {} = {} are taken, and it has grown most, by {} to {}",
                  100 * use.share(), use.limit, format_size(use.max_bytes),
                  format_size(grown.growth_bytes), format_size(grown.bytes));
}

}  // namespace labcoat::supervisor
