// Signals as events of the loop.
#pragma once

#include <functional>
#include <memory>

#include "net/loop.h"

namespace labcoat::supervisor {

class Signals final : private net::Watcher {
 public:
  using OnSignal = std::function<void(int number)>;

  // Blocks the signals that the supervisor interprets and reports them on the loop's thread.
  // SIGPIPE is ignored. Children must unblock them (child_process.h does).
  static Result<std::unique_ptr<Signals>> open(net::Loop& loop, OnSignal on_signal);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  Signals(net::Loop& loop, Fd descriptor, OnSignal on_signal)
      : loop_(loop), descriptor_(std::move(descriptor)), on_signal_(std::move(on_signal)) {}
  void on_events(u32 events) override;

  net::Loop& loop_;
  Fd descriptor_;
  OnSignal on_signal_;
};

}  // namespace labcoat::supervisor
