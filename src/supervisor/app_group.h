// AppGroup keeps one app running: its channel, its zygote and as many workers as there should be.
// Events only change what is known; reconcile() compares that with what should be, and starts or
// stops what differs. Crash, recycling, reload, a new edge and TTIN/TTOU are then all the same
// case.
#pragma once

#include <algorithm>
#include <functional>
#include <limits>
#include <list>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "base/fd.h"
#include "config/config.h"
#include "supervisor/autoscaler.h"
#include "supervisor/cgroup_memory.h"
#include "supervisor/edge_process.h"
#include "supervisor/endpoint_ids.h"
#include "supervisor/restart_pace.h"
#include "supervisor/scoreboard.h"
#include "supervisor/worker_process.h"
#include "supervisor/worker_sizes.h"
#include "supervisor/zygote_process.h"

namespace labcoat::supervisor {

class AppGroup {
 public:
  struct Setup {
    net::Loop& loop;
    const config::Config& config;
    const config::App& app;
    Command zygote;
    std::function<Result<Fd>()> create_channel;
    const CgroupMemory& memory;
    std::function<i64()> growth_of_all;  // growth_to_come() of all groups
    int endpoints = 1024;                // of a channel
    std::vector<int> cpus;               // that workers may be bound to
  };
  static constexpr i64 trial_max_ns = 60 * seconds;  // of a reload's first worker, to get ready
  static constexpr int forks_pending_max = 8;  // fork messages the zygote has not answered yet

  explicit AppGroup(Setup setup);

  // A new edge needs a new channel. Workers of the edge before it are told to finish.
  Status attach(EdgeProcess& edge, i64 now);
  // That edge is gone; `edge` is not touched any more.
  void detach();

  // A child has ended: true when it was one of ours.
  bool reap(pid_t pid, int status, i64 now);
  // A child that nobody knew has ended: perhaps a worker whose zygote has not told us of it yet.
  void note_stranger(pid_t pid, int status);
  void endpoints_free(const std::vector<int>& ids);
  // The edge says that the workers with these endpoints break the rules of the channel.
  void end_corrupt(const std::vector<int>& ids);

  // Starts and stops what is missing or too much. Call after every batch of events, and at
  // next_due().
  void reconcile(i64 now);
  i64 next_due() const;

  void resize(int change);
  // Loads the app again in a new zygote; its workers then take the place of the present ones. If it
  // cannot be loaded, or its first worker does not get ready, everything stays as it is. While a
  // reload is under way, it begins anew.
  void reload(i64 now);
  bool is_reloading() const;
  // Of the last reload: one sentence when it failed, else empty.
  const std::string& reload_failure() const { return reload_failure_; }
  // The edge answers what it has, then ends. A worker that ends well of its own accord from now on
  // has seen that end before we have: none is started in its place.
  void drain() { draining_ = true; }
  // Nothing is started any more; workers get `signal_number`, and SIGKILL at `kill_at`.
  void stop(int signal_number, i64 kill_at);

  // app_group_memory.cc. What workers will take that have just begun, or have not yet been forked.
  i64 growth_to_come() const;
  // Notes what workers hold that have just begun to work.
  void look_at_sizes();
  // The worker that has grown most since it began to work; nothing: not known.
  struct Grown {
    int worker = 0;
    i64 bytes = 0;
    i64 growth_bytes = 0;
  };
  std::optional<Grown> most_grown();
  // Whether a worker is being replaced, or is to be.
  bool is_replacing() const;
  void recycle_grown(const Grown& grown, const CgroupMemory::Use& use);

  // Every worker and what it does now, for people.
  Json status(i64 now) const;
  // Asks every worker for its Python stacks; `on_stacks` gets them one by one, each with what else
  // is known of the worker, and is called as often as the return value says, once for each.
  int ask_stacks(i64 now, const std::function<void(Json worker)>& on_stacks);

  bool is_ready() const;    // a worker of the present edge takes requests
  bool is_stopped() const;  // no process is left
  // It never worked, and trying again will not help: one sentence. Empty otherwise.
  const std::string& failure() const { return failure_; }
  const std::string& name() const { return setup_.app.name; }
  const std::string& directory() const { return setup_.app.directory; }

 private:
  static constexpr i64 never = std::numeric_limits<i64>::max();
  using Workers = std::list<WorkerProcess>;
  struct Death {
    pid_t pid;
    int status;
  };

  void start_zygote(std::unique_ptr<ZygoteProcess>& place, i64 now);
  void try_next_zygote(i64 now);
  void adopt_next_zygote();
  void fail_reload(const std::string& why);
  void dismiss_next();
  bool reap_zygote(pid_t pid, int status, i64 now);
  void zygote_lost(const ZygoteProcess& lost, const std::string& how, i64 now);
  void start_workers(i64 now);
  bool start_worker(ZygoteProcess& zygote, i64 now);
  Workers::iterator find_worker(int number);
  bool is_keeper(const WorkerProcess& worker) const;
  Json fork_message(const WorkerProcess& worker);
  void on_forked(int number, pid_t pid);
  void born(WorkerProcess& worker, pid_t pid);
  void orphan_unborn(pid_t zygote);
  void bury_unborn(i64 now);
  void bury_strangers(i64 now);
  bool on_worker_message(WorkerProcess& worker, const Json& message);
  void worker_gone(Workers::iterator worker, const std::string& how, i64 now);
  void set_recycling(WorkerProcess& worker, i64 now);
  void note_first_memory(WorkerProcess& worker);
  i64 look_interval() const;
  void look(i64 now);
  void look_at_memory(WorkerProcess& worker);
  void look_at_requests(WorkerProcess& worker, i64 now);
  i64 size_of_one_more() const;
  bool has_room_for_one_more() const;
  bool may_start_worker(i64 now);
  bool is_size_a_guess(i64 now);
  int within_memory(i64 now, int workers);
  void say_what_fits(int needed, int fit, const Autoscaler::Room& room) const;
  void condemn(WorkerProcess& worker, int endpoint, i64 now);
  void end_condemned(int number, const std::string& stacks);
  void recycle_next();
  void scale(i64 now);
  Json worker_status(const WorkerProcess& worker, i64 now) const;
  void stop_surplus(i64 now);
  void end_broken();
  void kill_overdue(i64 now);
  // A worker that is told to stop has so long for its requests, and for its WebSockets.
  i64 kill_time(i64 now) const {
    const config::Limits& limits = setup_.config.limits;
    return now +
           std::max(limits.drain_timeout_ns, limits.websocket_retire_timeout_ns + 5 * seconds);
  }
  WorkerIdentity identity(const WorkerProcess& worker) const;
  int free_place() const;
  template <class Predicate>
  int count(Predicate predicate) const {
    return static_cast<int>(std::count_if(workers_.begin(), workers_.end(), predicate));
  }

  Setup setup_;
  EdgeProcess* edge_ = nullptr;
  int edge_life_ = 0;
  Fd channel_;
  std::unique_ptr<Scoreboard> scoreboard_;  // of channel_
  std::vector<Fd> edge_doorbells_;
  EndpointIds ids_;

  std::unique_ptr<ZygoteProcess> zygote_;
  std::unique_ptr<ZygoteProcess> next_zygote_;  // for a reload: loading, or with a worker on trial
  int trial_number_ = 0;                        // of that worker; 0: there is none
  std::string reload_failure_;
  std::vector<std::unique_ptr<ZygoteProcess>> dismissed_zygotes_;
  RestartPace zygote_pace_;

  Workers workers_;  // a list: links point at their worker
  RestartPace worker_pace_;
  std::vector<Death> strangers_;  // kept only while forks are pending
  int wanted_;
  u64 requests_gone_ = 0;  // of workers that are no more
  i64 look_due_ns_ = 0;
  Autoscaler scaler_;
  i64 scale_due_ns_ = 0;
  bool memory_warned_ = false;
  WorkerSizes sizes_;
  int room_made_ = 0;  // workers that have gone first, and whose successors are due
  bool no_room_said_ = false;
  MemoryCounts memory_counts_;
  i64 guessing_since_ns_ = 0, guessing_asked_ns_ = 0;
  i64 room_asked_again_ns_ = 0;  // not before, to have more workers
  bool no_more_fit_said_ = false;
  int last_number_ = 0;
  bool ever_ready_ = false;
  bool draining_ = false;
  bool edge_done_ = false;
  bool stopping_ = false;
  std::string failure_;
  std::minstd_rand jitter_;
};

}  // namespace labcoat::supervisor
