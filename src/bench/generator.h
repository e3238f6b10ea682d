// Generator sends HTTP/1.1 load over a fixed number of connections and measures it honestly:
// latency counts from the planned send time, so a server that stalls cannot slow the clock that
// measures it (the coordinated-omission trap). The connections outlive a run, so that a caller may
// measure in short slices, for instance in turns on two servers.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/histogram.h"
#include "base/result.h"
#include "http/url.h"

namespace labcoat::bench {

constexpr int connections_max = 100'000;
constexpr int threads_max = 256;

// One kind of request. All targets of one generator go to the same scheme, host and port.
struct Target {
  http::Url url;
  double weight = 1;  // share of the requests, relative to the other targets; > 0
  std::string method = "GET";
  std::string body;
  // Sent as given. Host and Content-Length are added unless they are here; Connection is left to
  // HTTP's default.
  std::vector<std::pair<std::string, std::string>> headers;
};

struct LoadOptions {
  std::vector<Target> targets;  // at least one
  std::string unix_socket;      // connect to this path instead of the URL's host and port
  int connections = 64;         // over all threads; at least `threads`
  int threads = 1;
  // Requests per second over all connections. 0: closed loop, each connection sends its next
  // request as soon as the answer is complete. Above 0: open loop, Poisson arrivals; a request that
  // finds every connection busy waits in the plan, and its wait counts.
  double rate = 0;
  // A request is given up this long after its planned send time, also when it is still waiting for
  // a connection.
  i64 timeout_ns = 10 * seconds;
  u64 seed = 1;  // mix and arrival times; the same seed gives the same plan
};

enum class ErrorKind { connect, read, write, timeout, protocol };
constexpr size_t error_kinds = 5;
constexpr const char* error_names[error_kinds] = {"connect", "read", "write", "timeout",
                                                  "protocol"};

// What one thread of the generator spent on a slice.
struct ThreadUse {
  i64 cpu_ns = 0;  // CPU time from start to deadline
  i64 starved_ns =
      0;  // ready to run but without a CPU, in the same time; 0 where the kernel does not say
  i64 elapsed_ns = 0;  // wall time of the same
  double cpu_share() const;
  // Of the time, how much it had something to do: near 1 it never waited for the server.
  double busy_share() const;
};

// When a slice ends: at the deadline or after so many requests, whichever is first. Requests in
// flight (and in the open loop requests planned before the end) are still finished, at most until
// their timeout.
struct SliceEnd {
  i64 duration_ns = 0;
  u64 requests_max = 0;  // 0: no bound
};

// What happened in one slice. Plain sums: slices and threads merge into one.
struct SliceResult {
  u64 requests = 0;   // planned and either answered or failed; requests == responses + all errors
  u64 responses = 0;  // complete answers, of any status
  u64 responses_in_time = 0;    // those complete before the deadline
  std::array<u64, 6> status{};  // [2] counts 2xx, …
  std::array<u64, error_kinds> errors{};
  u64 reconnects =
      0;           // connections made anew because the server had closed the old one; not errors
  u64 waited = 0;  // open loop: requests that found every connection busy
  u64 late = 0;    // open loop: sent after the deadline although a connection was free before it
  u64 bytes_in = 0;
  u64 bytes_out = 0;
  bool out_of_ports = false;  // connect said EADDRNOTAVAIL: this machine's port range is used up
  bool out_of_files = false;  // socket said EMFILE or ENFILE

  // One value for each answer. Timed-out requests are in `response` and, when they were sent, in
  // `service`, with the time until they were given up: leaving them out would flatter the server.
  // Other errors are in none.
  Histogram response;  // planned send time to complete answer
  Histogram service;   // actual send time to complete answer
  Histogram send_lag;  // planned to actual send time, whoever is to blame
  // The generator's own part of send_lag: from when the plan and a free connection allowed the
  // request until it was acted on. Large values mean that the generator, not the server, was late.
  Histogram own_lag;
  Histogram connect;  // one for each connection made

  i64 elapsed_ns = 0;              // start to deadline, or to the moment it was stopped
  i64 busy_ns = 0;                 // start to the last answer, draining included
  std::vector<ThreadUse> threads;  // merging slices adds thread by thread

  u64 errors_total() const;
  // Answers per second until the deadline. Right for long runs.
  double rps() const;
  // Answers per second until the last answer. Right for short slices in the closed loop: the server
  // is at work from the first request to the last answer, and what is in flight at the deadline is
  // no small part of the whole.
  double rps_busy() const;
  double cpu_share_max() const;   // of the busiest thread
  double busy_share_max() const;  // of the busiest thread
  // Adds a later slice: times add up, threads are matched by position.
  void merge(const SliceResult& later);
  // Adds what another thread did in the same slice: the times are the same time.
  void merge_thread(const SliceResult& beside);
};

class Loop;
struct LoadPlan;

// Not thread-safe, except stop() and answered(). Its threads live only while run() does.
class Generator {
 public:
  // Resolves the address and makes one connection to see that somebody listens; the others are made
  // by the first run, before its clock starts. Errors: no target, targets of several origins,
  // https, bad counts, unknown host, refused, too few file descriptors.
  static Result<std::unique_ptr<Generator>> open(LoadOptions options);
  // The part of open() that needs no network: whether the options make sense at all.
  static Status check(const LoadOptions& options);
  ~Generator();
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;

  // Blocks until the slice is over and drained. Nothing is sent between runs. The calling thread is
  // the first of the generator's threads.
  SliceResult run(SliceEnd end);
  SliceResult run(i64 duration_ns) { return run(SliceEnd{.duration_ns = duration_ns}); }

  // Ends the run under way, and every later one, at once: what is in flight is abandoned and not
  // counted. Safe from any thread and from a signal handler.
  void stop() { stopped_.store(true, std::memory_order_relaxed); }
  bool stopped() const { return stopped_.load(std::memory_order_relaxed); }
  // Complete answers so far, over all runs; for a progress line. Safe from any thread.
  u64 answered() const;

  const LoadOptions& options() const { return options_; }

 private:
  explicit Generator(LoadOptions options);

  LoadOptions options_;
  std::unique_ptr<LoadPlan> plan_;
  std::atomic<bool> stopped_ = false;
  std::vector<std::unique_ptr<Loop>> loops_;  // one per thread
};

}  // namespace labcoat::bench
