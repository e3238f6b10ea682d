// StacksPipe asks one worker for its Python stacks, also when its Python is stuck: a signal makes
// the worker's faulthandler write them into a pipe that is read here. A NUL byte ends what it
// writes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

#include "net/loop.h"

namespace labcoat::supervisor {

// A real-time signal, so as not to take one that apps use for their own purposes. A worker that is
// ready has a handler for it.
int stacks_signal();

// Not movable: the loop holds its address. `loop` outlives it.
class StacksPipe final : private net::Watcher {
 public:
  static constexpr i64 wait_max_ns = 1 * seconds;  // for a process that does not get to run
  static constexpr size_t bytes_max = 256 * 1024;  // what is longer is cut off

  // Empty: the worker did not answer in time. Called on the loop's thread.
  using OnStacks = std::function<void(const std::string& text)>;

  static Result<std::unique_ptr<StacksPipe>> create(net::Loop& loop);
  ~StacksPipe();
  StacksPipe(const StacksPipe&) = delete;
  StacksPipe& operator=(const StacksPipe&) = delete;

  // The worker's end; it is closed here once the worker has it.
  int write_end() const { return write_end_.get(); }
  void close_write_end() { write_end_.reset(); }

  // Who asks while another waits gets the same answer.
  void ask(pid_t pid, i64 now, OnStacks on_stacks);
  // Answers with what has come when the time is up. Call at due().
  void expire(i64 now);
  i64 due() const;  // the largest number while nobody waits
  // Answers at once with what has come: the worker is gone.
  void give_up();

 private:
  StacksPipe(net::Loop& loop, Fd read_end, Fd write_end)
      : loop_(loop), read_end_(std::move(read_end)), write_end_(std::move(write_end)) {}
  void on_events(u32 events) override;
  void read_all();
  void answer();

  net::Loop& loop_;
  Fd read_end_;
  Fd write_end_;
  std::string text_;
  std::vector<OnStacks> askers_;
  i64 due_ns_ = 0;
};

}  // namespace labcoat::supervisor
