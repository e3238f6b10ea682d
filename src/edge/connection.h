// Connection: what an edge thread knows of any client, whatever protocol is spoken with it.
#pragma once

#include "base/clock.h"
#include "clients/client.h"

namespace labcoat::edge {

// A buffer of an idle client that grew larger is given back.
constexpr size_t kept_capacity_max = 4096;
// What is read and thrown away of a client that was refused, so that it sees the answer.
constexpr i64 linger_bytes_max = 16 << 20;

// One edge thread's, which owns it: EdgeThread::add and remove.
class Connection {
 public:
  virtual ~Connection() = default;

  // Goes on with what it put off by EdgeThread::come_back.
  virtual void resume() = 0;
  // Shutting down: no further request. Idle connections go at once.
  virtual void drain() = 0;
  virtual bool is_admin() const = 0;
};

}  // namespace labcoat::edge
