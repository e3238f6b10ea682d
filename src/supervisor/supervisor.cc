#include "supervisor/supervisor.h"

#include <algorithm>
#include <csignal>
#include <fmt/format.h>
#include <limits>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/text.h"
#include "supervisor/cpu_plan.h"
#include "supervisor/descriptor_limit.h"

namespace labcoat::supervisor {
namespace {

constexpr i64 fast_stop_ns = 1 * seconds;  // after INT
constexpr i64 finish_ns =
    5 * seconds;  // a worker that has nothing left to answer, to run its exit handlers

}  // namespace

Result<std::unique_ptr<Supervisor>> Supervisor::create(config::Config config, Recipe recipe) {
  std::unique_ptr<Supervisor> supervisor(new Supervisor(std::move(config), std::move(recipe)));
  if (const Status status = supervisor->prepare(); !status) return tl::unexpected(status.error());
  return supervisor;
}

Status Supervisor::prepare() {
  auto listeners = open_listeners(config_.listen, config_.backlog);
  if (!listeners) return tl::unexpected(listeners.error());
  listeners_ = std::move(*listeners);
  auto admin = open_listeners(config_.admin, config_.backlog);
  if (!admin) {
    close_listeners(listeners_);
    return tl::unexpected(admin.error());
  }
  admin_ = std::move(*admin);
  if (const Status status = raise_descriptor_limit(config_); !status) {
    close_listeners(listeners_);
    close_listeners(admin_);
    return status;
  }
  auto loop = net::Loop::create();
  if (!loop) return tl::unexpected(loop.error());
  loop_ = std::move(*loop);
  auto signals = Signals::open(*loop_, [this](int number) { on_signal(number); });
  if (!signals) return tl::unexpected(signals.error());
  signals_ = std::move(*signals);
  // Workers are forked twice so that they become our children and not the zygote's.
  if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) return fail_errno("cannot adopt orphaned processes");
  cpus_ = allowed_cpus();
  started_ns_ = now_ns();
  const Status control = open_control();
  if (!control) {
    close_listeners(listeners_);
    close_listeners(admin_);
  }
  return control;
}

int Supervisor::run() {
  for (const config::App& app : config_.apps) {
    groups_.emplace_back(
        AppGroup::Setup{*loop_, config_, app, recipe_.zygote(app),
                        [this, &app] { return recipe_.create_channel(app, config_); }, memory_,
                        [this] { return growth_of_all(); }, recipe_.channel_endpoints, cpus_});
  }
  if (const Status status = start_edge(now_ns()); !status) fail_start(status.error().text);
  const auto is_finished = [this] {
    return phase_ == Phase::ending && !edge_ &&
           std::all_of(groups_.begin(), groups_.end(),
                       [](const AppGroup& g) { return g.is_stopped(); });
  };
  if (recipe_.watch_sources) watch_sources();
  step(now_ns());
  while (!is_finished()) {
    loop_->run_once(loop_timeout_ms());
    step(loop_->now());
  }
  close_listeners(listeners_);
  close_listeners(admin_);
  answer_stops();
  spdlog::info("stopped");
  return exit_code_;
}

Status Supervisor::start_edge(i64 now) {
  auto edge =
      EdgeProcess::start(*loop_,
                         {recipe_.edge, config_, listeners_, admin_, edge_cpus(config_, cpus_),
                          certificates_.get(), !std::exchange(had_edge_, true)},
                         {.on_free =
                              [this](const std::string& app, const std::vector<int>& ids) {
                                for (AppGroup& group : groups_) {
                                  if (group.name() == app) group.endpoints_free(ids);
                                }
                              },
                          .on_corrupt =
                              [this](const std::string& app, const std::vector<int>& ids) {
                                for (AppGroup& group : groups_) {
                                  if (group.name() == app) group.end_corrupt(ids);
                                }
                              },
                          .on_certificates = [this](Fd kept) { certificates_ = std::move(kept); }});
  if (!edge) return tl::unexpected(edge.error());
  edge_ = std::move(*edge);
  spdlog::info("edge (pid {}) starts", edge_->pid());
  for (AppGroup& group : groups_) {
    const Status status = group.attach(*edge_, now);
    if (!status) return status;
  }
  return {};
}

void Supervisor::watch_sources() {
  for (AppGroup& group : groups_) {
    auto watch = SourceWatch::open(*loop_, group.directory(), [&](const std::string& path) {
      if (phase_ != Phase::running) return;
      spdlog::info("{} has changed: loading app '{}' again", path, group.name());
      group.reload(loop_->now());
    });
    if (watch) {
      source_watches_.push_back(std::move(*watch));
    } else {
      spdlog::warn("app '{}': {}", group.name(), watch.error().text);
    }
  }
}

int Supervisor::loop_timeout_ms() const {
  i64 due = std::numeric_limits<i64>::max();
  for (const AppGroup& group : groups_) due = std::min(due, group.next_due());
  for (const auto& watch : source_watches_) due = std::min(due, watch->due());
  if (phase_ == Phase::running) due = std::min(due, memory_due_ns_);
  if (edge_kill_at_ns_ != 0) due = std::min(due, edge_kill_at_ns_);
  if (!edge_ && phase_ == Phase::running) due = std::min(due, edge_pace_.not_before());
  if (due == std::numeric_limits<i64>::max()) return -1;
  // Rounded up: waking too early would only mean to wait again.
  return static_cast<int>(std::clamp<i64>((due - now_ns()) / ms + 1, 0, 3600 * 1000));
}

void Supervisor::step(i64 now) {
  for (const auto& watch : source_watches_) watch->expire(now);
  check_failures();
  keep_edge(now);
  look_at_memory(now);
  for (AppGroup& group : groups_) group.reconcile(now);
  check_failures();
  announce_ready();
  answer_reloads();
  if (control_) control_->sweep();
}

void Supervisor::keep_edge(i64 now) {
  // An edge that has answered everything hangs up before it ends: that is no reason to kill it.
  const bool broken = edge_ && edge_->is_broken() && phase_ == Phase::running;
  if (edge_ && (broken || (edge_kill_at_ns_ != 0 && now >= edge_kill_at_ns_))) {
    if (phase_ != Phase::running)
      spdlog::warn("edge (pid {}) has not finished in time and is killed", edge_->pid());
    edge_->signal(SIGKILL);
    edge_kill_at_ns_ = 0;
  }
  if (edge_ || phase_ != Phase::running || !edge_pace_.may_start(now)) return;
  if (const Status status = start_edge(now); !status) {
    spdlog::error("cannot start the edge: {}", status.error().text);
    if (edge_) {
      edge_->signal(SIGKILL);
    } else {
      edge_pace_.died(now, 0);
    }
  }
}

void Supervisor::check_failures() {
  if (phase_ != Phase::running) return;
  for (const AppGroup& group : groups_) {
    if (!group.failure().empty()) {
      fail_start(group.failure());
      return;
    }
  }
}

void Supervisor::announce_ready() {
  if (announced_ || phase_ != Phase::running || !edge_ || !edge_->is_ready()) return;
  for (const AppGroup& group : groups_) {
    if (!group.is_ready()) return;
  }
  announced_ = true;
  recipe_.on_ready(urls_of(listeners_), urls_of(admin_));
}

void Supervisor::fail_start(const std::string& text) {
  spdlog::error("{}", text);
  stop_fast(now_ns(), 1);
}

// --- events

void Supervisor::on_signal(int number) {
  const i64 now = loop_->now();
  switch (number) {
    case SIGCHLD:
      reap(now);
      return;
    case SIGTERM:
      // Some senders (timeout, process managers) send it twice: more haste takes INT.
      if (phase_ != Phase::running) return;
      spdlog::info("TERM: answering what was accepted, then stopping");
      begin_drain(now);
      return;
    case SIGINT:
      spdlog::info("INT: stopping at once");
      stop_fast(now, phase_ == Phase::draining ? 1 : exit_code_);
      return;
    case SIGHUP:
      reload(now, "HUP");
      return;
    case SIGUSR1:
      spdlog::info("USR1: opening the logs again");
      if (edge_) edge_->reopen_logs();
      return;
    case SIGTTIN:
    case SIGTTOU:
      for (AppGroup& group : groups_) group.resize(number == SIGTTIN ? 1 : -1);
      return;
    default:
      return;
  }
}

void Supervisor::reap(i64 now) {
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return;
    if (edge_ && pid == edge_->pid()) {
      edge_gone(status, now);
      continue;
    }
    const bool known = std::any_of(groups_.begin(), groups_.end(),
                                   [&](AppGroup& group) { return group.reap(pid, status, now); });
    if (known) continue;
    // An orphan of an app, or a worker we have not been told of.
    for (AppGroup& group : groups_) group.note_stranger(pid, status);
  }
}

void Supervisor::edge_gone(int status, i64 now) {
  const std::unique_ptr<EdgeProcess> edge = std::move(edge_);
  edge->finish();
  edge_kill_at_ns_ = 0;
  for (AppGroup& group : groups_) group.detach();
  const std::string how = fmt::format("edge (pid {}) {}", edge->pid(), describe_exit(status));
  if (phase_ == Phase::draining) {
    close_listeners(admin_);
    const bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    clean ? spdlog::info("{}: everything is answered", how)
          : spdlog::error("{} while it drained", how);
    // Cut off, there is nobody left to work for.
    clean ? end_workers(SIGTERM, now + finish_ns) : end_workers(SIGINT, now + fast_stop_ns);
    exit_code_ = clean ? 0 : 1;
    return;
  }
  if (phase_ == Phase::ending) {
    spdlog::info("{}", how);
    return;
  }
  if (!announced_) {
    fail_start(edge->failure().empty() ? how : edge->failure());
    return;
  }
  spdlog::error("{}; another takes over its sockets", how);
  if (!edge->failure().empty()) spdlog::error("{}", edge->failure());
  if (const i64 pause = edge_pace_.died(now, now - edge->started_ns()); pause > 0) {
    spdlog::warn("{} edges in a row died young; the next starts in {}", edge_pace_.young_deaths(),
                 format_duration(pause));
  }
}

// --- stopping

void Supervisor::begin_drain(i64 now) {
  // Nothing was promised to anybody yet, or nobody is there to keep it.
  if (!announced_ || !edge_) {
    stop_fast(now, 0);
    return;
  }
  phase_ = Phase::draining;
  for (AppGroup& group : groups_) group.drain();
  // The edge closes its copies: from then on connections are refused. The admin pages tell how far
  // it is.
  close_listeners(listeners_);
  edge_->drain();
  edge_kill_at_ns_ = now + config_.limits.drain_timeout_ns;
}

void Supervisor::stop_fast(i64 now, int exit_code) {
  exit_code_ = exit_code;
  close_listeners(listeners_);
  close_listeners(admin_);
  if (edge_) {
    edge_->stop();
    edge_kill_at_ns_ = now + fast_stop_ns;
  }
  end_workers(SIGINT, now + fast_stop_ns);
}

void Supervisor::end_workers(int signal_number, i64 kill_at) {
  phase_ = Phase::ending;
  for (AppGroup& group : groups_) group.stop(signal_number, kill_at);
}

}  // namespace labcoat::supervisor
