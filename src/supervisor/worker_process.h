// WorkerProcess: one worker as the supervisor sees it, from the wish for one to the end of its
// process.
#pragma once

#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/clock.h"
#include "supervisor/control_link.h"
#include "supervisor/stacks_pipe.h"

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
  bool outdated = false;  // of code that was loaded before the last reload
  pid_t zygote_pid = 0;
  int edge_life = 0;  // which edge, and so which channel, it works for
  // Why it shall be recycled, when its turn comes; empty: it stays.
  std::string recycle_reason;
  i64 recycle_at_ns = 0;     // by age
  i64 memory_max_bytes = 0;  // PSS
  i64 started_ns = 0;
  i64 kill_at_ns = 0;
  bool was_ready = false;
  bool ends_overdue = false;  // it has an event loop, which cancels what takes too long
  bool sized = false;         // its size is known to its group
  bool makes_room = false;    // there is no room for its successor before it is gone
  bool condemned = false;     // a request took too long: it ends when its stacks are in the log
  std::unique_ptr<ControlLink> link;
  std::unique_ptr<StacksPipe> stacks;

  bool is_live() const { return state != State::stopping; }
  bool is_recycled() const { return !recycle_reason.empty(); }
  // Asks it to finish (TERM) or to end (INT); without a pid that happens once it has one.
  void stop(int signal_number, i64 kill_at);
  const char* state_name() const;
  std::string name(const std::string& app) const;  // "worker 3 of app 'shop' (pid 123)"
};

}  // namespace labcoat::supervisor
