// WorkerProcess: one worker as the supervisor sees it, from the wish for one to the end of its
// process.
#pragma once

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "supervisor/control_link.h"

namespace labcoat::supervisor {

struct WorkerProcess {
  enum class State {
    forking,   // the zygote has been asked; no pid yet: it may exist all the same
    starting,  // it exists, and has not said that it is ready
    ready,
    stopping,  // told to finish; gone at kill_at_ns at the latest
  };

  int number = 0;  // unique in this run, counted from 1
  int place = 0;   // the lowest number that no other worker of the app has; chooses its CPU
  pid_t pid = 0;
  std::vector<int> endpoints;
  State state = State::forking;
  bool orphaned = false;  // its zygote is gone: without a pid, only it itself can tell of its birth
  bool retiring = false;  // another is to take its place; it works until that one is ready
  int edge_life = 0;      // which edge, and so which channel, it works for
  i64 started_ns = 0;
  i64 kill_at_ns = 0;
  std::unique_ptr<ControlLink> link;

  bool is_live() const { return state != State::stopping; }
  // Asks it to finish (TERM) or to end (INT); without a pid that happens once it has one.
  void stop(int signal_number, i64 kill_at);
  std::string name(const std::string& app) const;  // "worker 3 of app 'shop' (pid 123)"
};

}  // namespace labcoat::supervisor
