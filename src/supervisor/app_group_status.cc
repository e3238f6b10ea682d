// What an AppGroup tells people: its workers, what each does now, and their Python stacks. All of
// it comes from the scoreboard, the kernel and faulthandler, so it is there also when Python is
// stuck.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "channel/recent_times_json.h"
#include "supervisor/app_group.h"
#include "supervisor/process_memory.h"

namespace labcoat::supervisor {

using State = WorkerProcess::State;

Json AppGroup::status(i64 now) const {
  Json workers = Json::array();
  u64 requests = requests_gone_;
  for (const WorkerProcess& worker : workers_) {
    workers.push_back(worker_status(worker, now));
    requests += workers.back().at("requests").get<u64>();
  }
  const Scoreboard::Queue queue = scoreboard_ ? scoreboard_->queue(now) : Scoreboard::Queue{};
  const auto recent = scoreboard_ ? scoreboard_->recent_times(now) : channel::RecentTimes{};
  Json zygote;
  if (zygote_) {
    zygote = {{"pid", zygote_->pid()},
              {"loaded", zygote_->is_loaded()},
              {"memory_bytes", proportional_bytes(zygote_->pid())}};
  }
  return {{"name", name()},
          {"target", setup_.app.target},
          {"interface", zygote_ ? zygote_->interface() : ""},
          {"python", zygote_ ? zygote_->python() : ""},
          {"workers_wanted", wanted_},
          {"requests", requests},
          {"reloading", is_reloading()},
          {"reload_failure", reload_failure_},
          {"queue", {{"waiting", queue.waiting}, {"oldest_wait_us", queue.oldest_wait_ns / us}}},
          {"recent", recent},
          {"worker_bytes", sizes_.typical()},
          {"drained_first", memory_counts_.drained_first},
          {"recycled_for_cgroup", memory_counts_.recycled_for_cgroup},
          {"scale_ups_refused", memory_counts_.scale_ups_refused},
          {"zygote", zygote},
          {"workers", workers}};
}

Json AppGroup::worker_status(const WorkerProcess& worker, i64 now) const {
  Json threads = Json::array();
  u64 requests = 0;
  i64 busy_ns = 0;
  // Rows of an older channel are not ours to look at any more.
  const bool has_rows = scoreboard_ && worker.edge_life == edge_life_ && worker.was_ready;
  for (const int endpoint : has_rows ? worker.endpoints : std::vector<int>{}) {
    const Scoreboard::Row row = scoreboard_->row(endpoint);
    requests += row.requests;
    // While it is busy, the time of the current request is added as it passes.
    const i64 running_ns = row.started_ns == 0 ? 0 : std::max<i64>(0, now - row.started_ns);
    busy_ns += row.busy_ns + running_ns;
    Json thread = {{"endpoint", endpoint}, {"requests", row.requests}, {"request", nullptr}};
    if (const auto request = scoreboard_->current(endpoint)) {
      char id[17];
      std::snprintf(id, sizeof id, "%016llx", static_cast<unsigned long long>(request->id));
      thread["request"] = {{"id", id},
                           {"method", request->method},
                           {"target", request->target},
                           {"running_us", running_ns / us}};
    }
    threads.push_back(std::move(thread));
  }
  return {{"worker", worker.number},
          {"pid", worker.pid},
          {"state", worker.state_name()},
          {"age_s", static_cast<double>(now - worker.started_ns) / seconds},
          {"memory_bytes", worker.pid == 0 ? 0 : proportional_bytes(worker.pid)},
          {"resident_bytes", worker.pid == 0 ? 0 : resident_bytes(worker.pid)},
          {"requests", requests},
          {"busy_us", busy_ns / us},
          {"threads", threads}};
}

int AppGroup::ask_stacks(i64 now, const std::function<void(Json worker)>& on_stacks) {
  int asked = 0;
  for (WorkerProcess& worker : workers_) {
    if (!worker.was_ready || !worker.stacks) continue;
    ++asked;
    Json known = worker_status(worker, now);
    known["app"] = name();
    worker.stacks->ask(worker.pid, now, [on_stacks, known](const std::string& text) {
      Json answer = known;
      answer["stacks"] = text;
      on_stacks(std::move(answer));
    });
  }
  return asked;
}

}  // namespace labcoat::supervisor
