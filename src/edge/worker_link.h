// WorkerLink: the edge's end of one worker process's control socket. Lives on the control thread.
#pragma once

#include <vector>

#include "edge/edge_thread.h"
#include "net/loop.h"

namespace labcoat::edge {

class WorkerLink final : public net::Watcher {
 public:
  WorkerLink(size_t app, i64 pid, std::vector<u32> endpoints, Fd socket, net::Loop& loop,
             EdgeShared& shared, std::vector<std::unique_ptr<EdgeThread>>& threads);
  ~WorkerLink();

  void on_events(u32 events) override;
  // Whatever the worker has sent and nobody has read yet.
  void read_all();

  size_t app() const { return app_; }
  i64 pid() const { return pid_; }
  const std::vector<u32>& endpoints() const { return endpoints_; }

 private:
  bool read_one();  // false: nothing more for now
  void send_body(const channel::Message& message);
  void stop_listening();

  const size_t app_;
  const i64 pid_;
  const std::vector<u32> endpoints_;
  Fd socket_;
  net::Loop& loop_;
  EdgeShared& shared_;
  std::vector<std::unique_ptr<EdgeThread>>& threads_;
};

}  // namespace labcoat::edge
