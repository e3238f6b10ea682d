// ZygoteProcess: one life of an app's zygote, as the supervisor sees it: a child that loads the app
// once and then forks workers.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <sys/types.h>

#include "config/config.h"
#include "supervisor/child_process.h"
#include "supervisor/control_link.h"

namespace labcoat::supervisor {

class ZygoteProcess {
 public:
  using OnForked = std::function<void(int worker, pid_t pid)>;

  // Runs it and tells it what to load.
  static Result<std::unique_ptr<ZygoteProcess>> start(net::Loop& loop, const Command& command,
                                                      const config::App& app, OnForked on_forked);

  // Borrowed descriptors, in the order of docs/formats/control.md. False when it cannot be told.
  bool fork(const Json& message, std::span<const int> fds);
  void kill() const;
  // It exits when its socket ends; its workers go on.
  void dismiss() { link_->close(); }
  // Reads what it said last; call when it has been reaped.
  void finish() { link_->read_all(); }

  pid_t pid() const { return pid_; }
  bool is_loaded() const { return loaded_; }
  // Why the app could not be loaded, in one sentence; empty otherwise.
  const std::string& failure() const { return failure_; }
  const std::string& interface() const { return interface_; }  // "wsgi"; once it is loaded
  const std::string& python() const { return python_; }        // "3.11.2"; once it is loaded
  i64 started_ns() const { return started_ns_; }
  bool is_broken() const { return link_->is_broken(); }

 private:
  ZygoteProcess(pid_t pid, i64 started_ns, std::string app, OnForked on_forked)
      : pid_(pid),
        started_ns_(started_ns),
        app_(std::move(app)),
        on_forked_(std::move(on_forked)) {}
  bool on_message(const Json& message);

  pid_t pid_;
  i64 started_ns_;
  std::string app_;
  OnForked on_forked_;
  bool loaded_ = false;
  std::string interface_;
  std::string python_;
  std::string failure_;
  std::unique_ptr<ControlLink> link_;
};

}  // namespace labcoat::supervisor
