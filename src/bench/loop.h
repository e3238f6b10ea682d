// Loop is one thread of the generator: its connections, its share of the plan, its own epoll and
// its own histograms. It is a different machine from the server's loop: driven by planned times,
// and one request in flight per connection.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <vector>

#include "base/fd.h"
#include "bench/address.h"
#include "bench/arrivals.h"
#include "bench/generator.h"
#include "bench/request_text.h"
#include "bench/response_reader.h"

namespace labcoat::bench {

// What the threads share and nobody changes during a run.
struct LoadPlan {
  Address address;
  Mix mix;
  i64 timeout_ns = 0;
  bool open_loop = false;
};

struct LoopOptions {
  int connections = 1;
  double rate = 0;  // this thread's share
  u64 seed = 1;
};

// Used by one thread at a time, except answered().
class Loop {
 public:
  // `plan` and `stopped` outlive the loop.
  Loop(const LoadPlan& plan, const std::atomic<bool>& stopped, LoopOptions options);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  // Errors: no descriptor for epoll.
  Status open();
  // Makes the connections that were never made and waits for them, at most until `until_ns`. Those
  // that fail are tried again when a request needs them.
  void connect_all(i64 until_ns);
  // One slice that starts now. The result has one entry in `threads`.
  SliceResult run(const SliceEnd& end);

  u64 answered() const { return answered_.load(std::memory_order_relaxed); }

 private:
  struct Connection {
    // idle: without request, open or not. resting: not to be used before rest_until, after a
    // failure.
    enum class State : u8 { idle, connecting, sending, waiting, resting };
    Fd socket;
    State state = State::idle;
    bool has_request = false;
    bool answered_before = false;   // on this socket: the server keeps connections
    bool retried = false;           // this request was begun on a connection that turned out closed
    bool closed_by_server = false;  // so the next connection is a reconnect
    u32 failures_in_row = 0;
    size_t target = 0;
    size_t sent_bytes = 0;
    i64 planned = 0;
    i64 own_lag = 0;
    i64 sent = 0;
    i64 connect_started = 0;
    i64 rest_until = 0;
    ResponseReader reader;
  };

  // loop.cc: the slice and its clock.
  void start_slice(const SliceEnd& end);
  void send_due(i64 now);
  void expire_plan(i64 now);
  void tick(i64 now);
  void tick_connection(Connection& connection, i64 now);
  bool nothing_left_to_begin() const;
  bool window_over(i64 now) const;
  void close_window(i64 now);
  i64 wait_until(i64 now) const;
  void wait_and_handle(i64 timeout_ns);
  void abandon_all();

  // loop_connection.cc: one connection's life.
  void take_work(Connection& connection, i64 now);
  void begin(Connection& connection, i64 planned, i64 own_lag, i64 now);
  void start_connect(Connection& connection, i64 now);
  void connected(Connection& connection, i64 now);
  void not_connected(Connection& connection, int error, i64 now);
  void send_request(Connection& connection, i64 now);
  void continue_send(Connection& connection);
  void handle(Connection& connection, u32 events);
  void read_answer(Connection& connection, u32 events);
  ssize_t receive(Connection& connection, size_t& asked);
  void finish(Connection& connection, bool closing);
  void record(const Connection& connection, i64 now);
  void lost(Connection& connection, ErrorKind kind);
  void failed(Connection& connection, ErrorKind kind, i64 now);
  void timed_out(Connection& connection, i64 now);

  const LoadPlan& plan_;
  const std::atomic<bool>& stopped_;
  LoopOptions options_;
  Fd epoll_;
  Arrivals arrivals_;
  Random random_;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;   // open loop: least recently used first
  std::vector<HeadMemory> heads_;  // per target
  std::vector<char> buffer_;       // what arrives is looked at and forgotten

  SliceResult slice_;
  i64 start_ = 0;
  i64 deadline_ = 0;
  i64 next_tick_ = 0;
  i64 last_answer_ = 0;
  i64 cpu_at_start_ = 0;
  i64 starved_at_start_ = 0;
  i64 exhausted_at_ = 0;  // open loop: when the last idle connection was taken
  u64 issued_left_ = 0;   // closed loop: requests that may still begin
  u64 in_flight_ = 0;
  u64 on_time_ = 0;  // requests sent at their planned time, added to send_lag in one go
  u64 answered_total_ = 0;
  bool bounded_ = false;  // by a number of requests
  bool window_open_ = false;
  std::atomic<u64> answered_ = 0;
};

}  // namespace labcoat::bench
