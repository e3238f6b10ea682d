// What an AppGroup notices by looking at its workers now and then, and what follows: recycling by
// age and by memory, and the end of who works on one request for too long, and autoscaling.
// Recycled is one worker at a time, and a successor is ready before it goes: an app never has fewer
// workers because of it, and never more than one process more.
#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include "base/text.h"
#include "supervisor/app_group.h"
#include "supervisor/process_memory.h"

namespace labcoat::supervisor {
namespace {

using State = WorkerProcess::State;

constexpr i64 look_interval_max_ns = 1 * seconds;
constexpr i64 look_interval_min_ns = 10 * ms;

// Often enough that a limit is overstepped by a tenth at most.
i64 interval_for(i64 limit_ns) {
  return std::clamp(limit_ns / 10, look_interval_min_ns, look_interval_max_ns);
}

// A request that its worker has cancelled has so long to end.
i64 cancel_grace_ns(i64 limit_ns) {
  return std::clamp(limit_ns / 4, 1 * seconds, 5 * seconds);
}

}  // namespace

void AppGroup::set_recycling(WorkerProcess& worker, i64 now) {
  // Ten per cent more or less, or all workers of a start would want to go at once. Of memory only
  // less: who names a limit means it.
  std::uniform_real_distribution<double> around(0.9, 1.1);
  std::uniform_real_distribution<double> below(0.9, 1.0);
  const auto age = static_cast<double>(setup_.app.worker_age_max_ns);
  worker.recycle_at_ns = age > 0 ? now + static_cast<i64>(age * around(jitter_)) : never;
  const auto memory = static_cast<double>(setup_.app.worker_memory_max_bytes);
  worker.memory_max_bytes = memory > 0 ? static_cast<i64>(memory * below(jitter_)) : never;
}

void AppGroup::note_first_memory(WorkerProcess& worker) {
  const i64 limit = worker.memory_max_bytes;
  if (limit == never || resident_bytes(worker.pid) <= limit) return;
  const i64 bytes = proportional_bytes(worker.pid);
  if (bytes <= limit) return;
  // Its successor would be no smaller: recycling would never end.
  worker.memory_max_bytes = never;
  if (std::exchange(memory_warned_, true)) return;
  spdlog::warn(
      "{} has {} before its first request: worker_memory_max = {} is too little for this "
      "app, and its workers are not recycled for their memory",
      worker.name(name()), format_size(bytes), format_size(setup_.app.worker_memory_max_bytes));
}

i64 AppGroup::look_interval() const {
  i64 interval = never;
  if (setup_.app.worker_memory_max_bytes > 0) interval = look_interval_max_ns;
  if (setup_.app.worker_age_max_ns > 0) {
    interval = std::min(interval, interval_for(setup_.app.worker_age_max_ns));
  }
  if (setup_.app.request_timeout_ns > 0) {
    interval = std::min(interval, interval_for(setup_.app.request_timeout_ns));
  }
  return interval;
}

void AppGroup::look(i64 now) {
  const i64 interval = look_interval();
  if (interval == never || now < look_due_ns_) return;
  look_due_ns_ = now + interval;
  for (WorkerProcess& worker : workers_) {
    if (worker.edge_life != edge_life_) continue;
    look_at_requests(worker, now);
    if (worker.state != State::ready || worker.retiring || worker.is_recycled()) continue;
    if (now >= worker.recycle_at_ns) {
      worker.recycle_reason = fmt::format("age {}", format_duration(now - worker.started_ns));
    } else {
      look_at_memory(worker);
    }
  }
}

void AppGroup::look_at_memory(WorkerProcess& worker) {
  // The cheap number first: it is never the smaller one.
  if (worker.memory_max_bytes == never || resident_bytes(worker.pid) <= worker.memory_max_bytes) {
    return;
  }
  const i64 bytes = proportional_bytes(worker.pid);
  if (bytes > worker.memory_max_bytes) {
    worker.recycle_reason = fmt::format("memory {}", format_size(bytes));
  }
}

void AppGroup::look_at_requests(WorkerProcess& worker, i64 now) {
  const i64 limit = setup_.app.request_timeout_ns;
  if (limit == 0 || worker.condemned || !worker.was_ready) return;
  const i64 patience = worker.ends_overdue ? limit + cancel_grace_ns(limit) : limit;
  for (const int endpoint : worker.endpoints) {
    const i64 started = scoreboard_->row(endpoint).started_ns;
    if (started == 0 || now - started < patience) continue;
    condemn(worker, endpoint, now);
    return;
  }
}

void AppGroup::condemn(WorkerProcess& worker, int endpoint, i64 now) {
  const auto request = scoreboard_->current(endpoint);
  if (!request) return;  // it is finished after all
  worker.condemned = true;
  const i64 age = now - scoreboard_->row(endpoint).started_ns;
  spdlog::error("{} has worked for {} on {}, longer than request_timeout = {}; it is ended",
                worker.name(name()), format_duration(age), request->line(),
                format_duration(setup_.app.request_timeout_ns));
  worker.stacks->ask(worker.pid, now, [this, number = worker.number](const std::string& stacks) {
    end_condemned(number, stacks);
  });
}

void AppGroup::end_condemned(int number, const std::string& stacks) {
  const auto worker = find_worker(number);
  if (worker == workers_.end()) return;
  if (stacks.empty()) {
    spdlog::error("{} did not write its Python stacks in time", worker->name(name()));
  } else {
    spdlog::error("Python stacks of {}:\n{}", worker->name(name()), stacks);
  }
  // Not TERM: what it is stuck in may be the very code that would have to notice.
  worker->stop(SIGKILL, never);
}

void AppGroup::scale(i64 now) {
  if (!scaler_.is_on() || now < scale_due_ns_ || !is_ready()) return;
  scale_due_ns_ = now + Autoscaler::look_interval_ns;
  const Scoreboard::Queue queue = scoreboard_->queue(now);
  Autoscaler::Seen seen{.waiting = queue.waiting, .oldest_wait_ns = queue.oldest_wait_ns};
  for (const WorkerProcess& worker : workers_) {
    if (worker.edge_life != edge_life_) continue;
    if (is_keeper(worker) && worker.state != State::ready) ++seen.starting;
    if (!worker.was_ready) continue;
    seen.busy += static_cast<int>(
        std::count_if(worker.endpoints.begin(), worker.endpoints.end(),
                      [&](int id) { return scoreboard_->row(id).started_ns != 0; }));
  }
  const int needed = scaler_.decide(now, wanted_, seen);
  const int before = std::exchange(wanted_, within_memory(now, needed));
  if (wanted_ > before) {
    spdlog::info(
        "app '{}' shall have {} workers instead of {}: {} requests wait, the oldest for {}", name(),
        wanted_, before, queue.waiting, format_duration(queue.oldest_wait_ns));
  } else if (wanted_ < before) {
    spdlog::info("app '{}' shall have {} workers instead of {}: no more were needed for {}", name(),
                 wanted_, before, format_duration(setup_.app.scale_down_ns));
  }
}

void AppGroup::recycle_next() {
  // Its turn lasts until it is gone, or its memory and its successor's would be there twice.
  const auto in_turn = [](const WorkerProcess& worker) {
    return worker.retiring || (worker.is_recycled() && !worker.is_live());
  };
  if (count(in_turn) > 0) return;
  const auto next = std::find_if(workers_.begin(), workers_.end(), [](const auto& worker) {
    return worker.is_live() && worker.is_recycled();
  });
  if (next == workers_.end()) return;
  spdlog::info("{} is to be replaced: {}", next->name(name()), next->recycle_reason);
  next->retiring = true;
}

}  // namespace labcoat::supervisor
