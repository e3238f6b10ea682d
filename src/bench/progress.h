// Progress shows on one line of a terminal how far a run is. It costs the run nothing: it reads a
// counter five times a second from a thread of its own.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "bench/generator.h"

namespace labcoat::bench {

// From construction to destruction, which wipes the line. Nothing happens when stderr is no
// terminal.
class Progress {
 public:
  // `what` says what is going on: "warm-up" or "measuring". `generator` outlives it.
  Progress(const Generator& generator, std::string what, SliceEnd end);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

 private:
  void show_until_over();
  std::string line(i64 elapsed_ns, u64 answers, double rate) const;

  const Generator& generator_;
  const std::string what_;
  const SliceEnd end_;
  std::mutex mutex_;
  std::condition_variable over_changed_;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace labcoat::bench
