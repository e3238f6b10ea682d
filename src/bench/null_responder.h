// NullResponder answers every request with the same few bytes as fast as one thread can: the server
// that a generator is measured against to learn what the generator itself can do.
#pragma once

#include <memory>
#include <thread>

#include "base/clock.h"
#include "base/fd.h"
#include "base/result.h"

namespace labcoat::bench {

// Listens on a free port of 127.0.0.1 from start() until destruction. Only for clients with one
// small request in flight per connection: it answers once for each arrival and parses nothing.
class NullResponder {
 public:
  static Result<std::unique_ptr<NullResponder>> start();
  ~NullResponder();
  NullResponder(const NullResponder&) = delete;
  NullResponder& operator=(const NullResponder&) = delete;

  int port() const { return port_; }

 private:
  NullResponder() = default;
  Status listen();
  void answer_until_told();

  Fd listener_;
  Fd epoll_;
  Fd goodbye_;  // an eventfd that ends the thread
  int port_ = 0;
  std::thread thread_;
};

}  // namespace labcoat::bench
