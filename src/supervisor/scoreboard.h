// Scoreboard is an app's channel as the supervisor looks at it: from outside, read-only, while the
// edge and the workers write. So it tells what a worker does also when its Python is stuck. Workers
// write most of this memory and are not trusted: every word is copied once, then checked; what does
// not hold together is left out.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "channel/recent_times.h"

namespace labcoat::supervisor {

class Scoreboard {
 public:
  static constexpr size_t text_bytes_max = 2000;  // of a method or target; the rest is cut off

  // A thread of a worker, or its event loop.
  struct Row {
    u64 requests = 0;    // finished
    i64 busy_ns = 0;     // inside the app
    i64 started_ns = 0;  // when the current request was taken; 0 while it is idle
  };
  struct Request {
    u64 id = 0;
    std::string method;
    std::string target;
    std::string line() const;  // "GET /notes/7 (request 00000000000000a1)", as in other logs
  };
  struct Queue {
    int waiting = 0;
    i64 oldest_wait_ns = 0;  // of those that are the first of their lane
  };

  // The descriptor may be closed afterwards.
  static Result<std::unique_ptr<Scoreboard>> open(int memfd);

  // `endpoint` is one of the channel's.
  Row row(int endpoint) const;
  // Nothing when it has none, or has finished it while we looked.
  std::optional<Request> current(int endpoint) const;
  Queue queue(i64 now) const;
  channel::RecentTimes recent_times(i64 now) const { return channel::recent_times(*mapping_, now); }

 private:
  explicit Scoreboard(std::unique_ptr<channel::Mapping> mapping) : mapping_(std::move(mapping)) {}
  void add_lane(channel::Priority priority, i64 now, Queue& queue) const;

  std::unique_ptr<channel::Mapping> mapping_;
};

}  // namespace labcoat::supervisor
