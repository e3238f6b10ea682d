// Listener: accepts connections on one listening socket for one edge thread. All threads watch the
// same socket; the kernel wakes one of them (EPOLLEXCLUSIVE).
#pragma once

#include "edge/edge_thread.h"
#include "net/loop.h"

namespace labcoat::edge {

class Listener final : public net::Watcher {
 public:
  Listener(EdgeThread& thread, const clients::ListenerInfo& info) : thread_(thread), info_(info) {}

  Status watch();
  void forget();
  bool is_admin() const { return info_.admin; }
  void on_events(u32 events) override;
  // Everything that has been accepted by the kernel becomes ours; for the last moment before the
  // socket is closed.
  void accept_all();

 private:
  // Fairness between accepting and serving, and between threads.
  static constexpr int accepts_per_event_max = 32;

  bool accept_one();

  EdgeThread& thread_;
  const clients::ListenerInfo& info_;
  bool watched_ = false;
};

}  // namespace labcoat::edge
