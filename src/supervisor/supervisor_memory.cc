// When the server's cgroup is nearly full, the worker that has grown most is replaced, whatever app
// it is of: one at a time, and only if that gives something back. The kernel would choose for
// itself, and kill it with its requests, or the whole container (memory.oom.group).
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

#include "base/text.h"
#include "supervisor/supervisor.h"

namespace labcoat::supervisor {
namespace {

constexpr i64 look_every_ns = 1 * seconds;
// When more than this part of what may be taken is: a leak can fill the rest within a second.
constexpr double near_part = 0.75;
constexpr i64 look_near_every_ns = 200 * ms;
constexpr i64 look_unlimited_every_ns = 60 * seconds;  // a limit can be set while we run
// Between two replacements: workers grow again, if less, and a server that is simply full shall not
// do nothing else. Not when half of the rest is gone as well.
constexpr i64 pause_ns = 5 * seconds;
constexpr double growth_share_min = 0.01;  // of memory.max: worth a replacement

}  // namespace

void Supervisor::look_at_memory(i64 now) {
  if (now < memory_due_ns_ || phase_ != Phase::running) return;
  const auto use = memory_.fullest();
  memory_due_ns_ = now + (use ? look_every_ns : look_unlimited_every_ns);
  if (!use) return;
  for (AppGroup& group : groups_) group.look_at_sizes();
  const double limit = config_.recycle_cgroup_share;
  if (limit <= 0) return;
  if (use->share() >= near_part * limit) memory_due_ns_ = now + look_near_every_ns;
  const bool urgent = use->share() >= (limit + 1) / 2;
  if (use->share() >= limit && (urgent || now >= grown_due_ns_)) replace_grown(now, *use);
}

// The room that one app is given is not given to another.
i64 Supervisor::growth_of_all() const {
  i64 bytes = 0;
  for (const AppGroup& group : groups_) bytes += group.growth_to_come();
  return bytes;
}

void Supervisor::replace_grown(i64 now, const CgroupMemory::Use& use) {
  if (now < nobody_grown_until_ns_) return;
  AppGroup* group_of_most = nullptr;
  AppGroup::Grown most;
  for (AppGroup& group : groups_) {
    // What is under way may be enough.
    if (group.is_replacing()) return;
    const auto grown = group.most_grown();
    if (!grown || (group_of_most && grown->growth_bytes <= most.growth_bytes)) continue;
    group_of_most = &group;
    most = *grown;
  }
  const double worth = growth_share_min * static_cast<double>(use.max_bytes);
  if (group_of_most && static_cast<double>(most.growth_bytes) >= worth) {
    grown_due_ns_ = now + pause_ns;
    group_of_most->recycle_grown(most, use);
    return;
  }
  // To look at a worker's memory costs milliseconds.
  nobody_grown_until_ns_ = now + look_every_ns;
  if (std::exchange(memory_warned_, true)) return;
  spdlog::warn(
      "{:.0f} % of {} = {} are taken, and no worker has grown so much that replacing it "
      "would help: have fewer workers or a higher limit, before the kernel kills or stops them",
      100 * use.share(), use.limit, format_size(use.max_bytes));
}

}  // namespace labcoat::supervisor
