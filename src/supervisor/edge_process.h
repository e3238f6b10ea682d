// EdgeProcess: one life of the edge, as the supervisor sees it: a child and a control socket. When
// it dies, another object takes its place.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <sys/types.h>
#include <vector>

#include "config/config.h"
#include "supervisor/child_process.h"
#include "supervisor/control_link.h"
#include "supervisor/listeners.h"

namespace labcoat::supervisor {

// A worker as the edge knows it: by its endpoints.
struct WorkerIdentity {
  std::string app;
  int number = 0;
  pid_t pid = 0;  // 0: not known yet
  std::vector<int> endpoints;
};

// What memory.max has made of an app's workers so far; a page of the edge shows it.
struct MemoryCounts {
  u64 drained_first = 0;  // went before their successors, for want of room
  u64 recycled_for_cgroup = 0;
  u64 scale_ups_refused = 0;  // times that more were needed than there was room for
};

class EdgeProcess {
 public:
  using OnEndpoints = std::function<void(const std::string& app, const std::vector<int>& ids)>;
  // What an edge has to say about the endpoints of an app.
  struct Events {
    OnEndpoints on_free;     // it has let go of them
    OnEndpoints on_corrupt;  // their worker writes into the channel what no worker may write
    // What it has read from the files of certificates, for the edge after it; never looked into.
    std::function<void(Fd certificates)> on_certificates;
  };

  struct Start {
    const Command& command;
    const config::Config& config;
    const std::vector<Listener>& listeners;
    const std::vector<Listener>& admin;
    std::vector<int> cpus;
    int certificates = -1;  // of the edge before it; -1: none
    bool first = true;      // no edge was before it: what is wrong with files ends it
  };

  // Runs it and hands it configuration and sockets.
  static Result<std::unique_ptr<EdgeProcess>> start(net::Loop& loop, const Start& start,
                                                    Events events);

  // Borrowed descriptors. Sending to an edge that is gone does nothing: its end is noticed by the
  // reaper.
  void add_channel(const std::string& app, int memfd, const std::vector<int>& doorbells);
  void add_worker(const WorkerIdentity& worker, int control, const std::vector<int>& doorbells);
  void worker_gone(const WorkerIdentity& worker);
  void tell_memory(const std::string& app, const MemoryCounts& counts);
  void drain();
  // At once: only WebSockets are closed first.
  void stop();
  // Routes and limits that are in force from now on.
  void adopt(const config::Config& config);
  void reload_tls();
  void reopen_logs();
  void signal(int number) const;

  // Reads what it said last; call when it has been reaped.
  void finish();

  pid_t pid() const { return pid_; }
  bool is_ready() const { return ready_; }
  // Why it could not start, in its own words; empty otherwise.
  const std::string& failure() const { return failure_; }
  i64 started_ns() const { return started_ns_; }
  // It broke the protocol or does not read: end it.
  bool is_broken() const { return link_->is_broken(); }

 private:
  EdgeProcess(pid_t pid, i64 started_ns, Events events)
      : pid_(pid), started_ns_(started_ns), events_(std::move(events)) {}
  bool on_message(const Json& message, std::span<Fd> fds);

  pid_t pid_;
  i64 started_ns_;
  Events events_;
  bool ready_ = false;
  std::string failure_;
  std::unique_ptr<ControlLink> link_;
};

}  // namespace labcoat::supervisor
