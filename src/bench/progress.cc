#include "bench/progress.h"

#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat::bench {
namespace {

constexpr auto interval = std::chrono::milliseconds(200);
constexpr const char* wipe = "\r\x1b[K";

}  // namespace

Progress::Progress(const Generator& generator, std::string what, SliceEnd end)
    : generator_(generator), what_(std::move(what)), end_(end) {
  if (isatty(STDERR_FILENO) != 0) thread_ = std::thread([this] { show_until_over(); });
}

Progress::~Progress() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  over_changed_.notify_one();
  thread_.join();
  std::fputs(wipe, stderr);
}

void Progress::show_until_over() {
  const i64 start = now_ns();
  const u64 before = generator_.answered();
  i64 last = start;
  u64 last_answers = before;
  std::unique_lock lock(mutex_);
  while (!over_changed_.wait_for(lock, interval, [this] { return over_; })) {
    const i64 now = now_ns();
    const u64 answers = generator_.answered();
    const double rate =
        static_cast<double>(answers - last_answers) * 1e9 / static_cast<double>(now - last);
    std::fputs((wipe + line(now - start, answers - before, rate)).c_str(), stderr);
    std::fflush(stderr);
    last = now;
    last_answers = answers;
  }
}

std::string Progress::line(i64 elapsed_ns, u64 answers, double rate) const {
  const double elapsed = static_cast<double>(elapsed_ns) / 1e9;
  std::string done;
  if (end_.requests_max > 0) {
    done = fmt::format("{} of {} requests", answers, end_.requests_max);
  } else if (elapsed_ns > end_.duration_ns) {
    done = "waiting for the last answers";
  } else {
    done = fmt::format("{:.1f} of {:.1f} s", elapsed, static_cast<double>(end_.duration_ns) / 1e9);
  }
  return fmt::format("{}: {}, {} requests/s", what_, done, format_count(rate));
}

}  // namespace labcoat::bench
