// The supervisor: holds the listening sockets, starts, watches and replaces the edge, the zygotes
// and the workers, and knows neither HTTP nor Python. Small and boring on purpose: everything else
// may die, it must not.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "supervisor/app_group.h"
#include "supervisor/cgroup_memory.h"
#include "supervisor/control_server.h"
#include "supervisor/edge_process.h"
#include "supervisor/listeners.h"
#include "supervisor/restart_pace.h"
#include "supervisor/signals.h"
#include "supervisor/source_watch.h"

namespace labcoat::supervisor {

// The control socket, and what it tells to those who look for this server.
struct Control {
  std::string path;          // empty: none
  bool is_required = false;  // the user named it: a server without it is not what was asked for
  std::string version;
  std::string directory;    // in which the server was started
  std::string config_file;  // absolute; empty: none
};

// How to make what the supervisor does not know.
struct Recipe {
  Command edge;
  std::function<Command(const config::App& app)> zygote;
  std::function<Result<Fd>(const config::App& app, const config::Config& config)> create_channel;
  // Reads the configuration again, and judges it as at a start; or none.
  std::function<Result<config::Config>()> read_again;
  int channel_endpoints = 1024;
  Control control;
  std::string cgroup_root;     // where cgroups are looked up: for tests; empty: where they are
  bool watch_sources = false;  // load an app again when one of its Python files changes
  // Once: the edge and a worker of every app are ready. URLs with the ports that the kernel picked.
  std::function<void(const std::vector<std::string>& urls, const std::vector<std::string>& admin)>
      on_ready;
};

class Supervisor {
 public:
  // Takes the sockets and limits, so that what can fail for a wrong configuration fails before any
  // child exists. From here on this process adopts orphans and its signals are ours.
  static Result<std::unique_ptr<Supervisor>> create(config::Config config, Recipe recipe);

  // Serves until told to stop and every child is gone. The exit code: 0 after a clean stop, 1 when
  // it could not start, or could not answer all it had accepted.
  int run();

 private:
  enum class Phase { running, draining, ending };

  Supervisor(config::Config config, Recipe recipe)
      : config_(std::move(config)), recipe_(std::move(recipe)), memory_(recipe_.cgroup_root) {}
  Status prepare();
  Status start_edge(i64 now);
  void watch_sources();
  int loop_timeout_ms() const;
  void step(i64 now);
  void keep_edge(i64 now);
  void check_failures();
  void announce_ready();

  void on_signal(int number);
  void reap(i64 now);
  void edge_gone(int status, i64 now);
  void begin_drain(i64 now);
  void stop_fast(i64 now, int exit_code);
  void end_workers(int signal_number, i64 kill_at);
  void fail_start(const std::string& text);

  // supervisor_memory.cc
  void look_at_memory(i64 now);
  i64 growth_of_all() const;
  void replace_grown(i64 now, const CgroupMemory::Use& use);

  // supervisor_control.cc
  Status open_control();
  bool on_control(int client, const Json& request);
  Json about() const;
  Json status(i64 now) const;
  void ask_stacks(int client, i64 now);
  void reload_for(int client);
  void reload(i64 now, const char* why);
  void adopt_configuration();
  void answer_reloads();
  void stop_for(int client, bool fast);
  void answer_stops();

  config::Config config_;
  Recipe recipe_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<Signals> signals_;
  std::vector<Listener> listeners_;
  std::vector<Listener> admin_;
  std::vector<int> cpus_;

  CgroupMemory memory_;
  i64 memory_due_ns_ = 0;
  i64 grown_due_ns_ = 0;
  i64 nobody_grown_until_ns_ = 0;  // all have been looked at
  bool had_edge_ = false;
  bool memory_warned_ = false;

  std::unique_ptr<EdgeProcess> edge_;
  RestartPace edge_pace_;
  Fd certificates_;  // that the edge had last: the next one can have them when the files are bad
  std::list<AppGroup> groups_;  // a list: links and callbacks point at them

  Phase phase_ = Phase::running;
  bool announced_ = false;
  int exit_code_ = 0;
  i64 edge_kill_at_ns_ = 0;  // 0: not to be killed

  std::vector<std::unique_ptr<SourceWatch>> source_watches_;

  i64 started_ns_ = 0;
  std::unique_ptr<ControlServer> control_;
  std::string config_failure_;       // of the last reload; or empty
  std::vector<int> reload_clients_;  // who wait to be told how a reload ended
  std::vector<int> stop_clients_;    // who wait for the end
};

}  // namespace labcoat::supervisor
