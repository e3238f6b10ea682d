// labcoat bench: calibrate, warm up, measure, judge, print.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

#include "base/text.h"
#include "bench/calibrate.h"
#include "bench/progress.h"
#include "bench/report.h"
#include "bench/validity.h"
#include "cli/bench_words.h"
#include "cli/command.h"

namespace labcoat {
namespace {

using bench::Gate;
using bench::Generator;
using bench::SliceEnd;
using bench::SliceResult;

// The one thing a signal handler may reach.
std::atomic<Generator*> running = nullptr;

void stop_running(int) {
  if (Generator* generator = running.load()) generator->stop();
}

// INT ends the run early; a second INT ends the program.
class StopOnInterrupt {
 public:
  explicit StopOnInterrupt(Generator& generator) {
    running = &generator;
    struct sigaction action {};
    action.sa_handler = stop_running;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, &before_);
  }
  ~StopOnInterrupt() {
    sigaction(SIGINT, &before_, nullptr);
    running = nullptr;
  }
  StopOnInterrupt(const StopOnInterrupt&) = delete;
  StopOnInterrupt& operator=(const StopOnInterrupt&) = delete;

 private:
  struct sigaction before_ {};
};

SliceResult measure(Generator& generator, const BenchJob& job) {
  Histogram connect;
  u64 reconnects = 0;
  if (job.warmup_ns > 0) {
    const SliceEnd end{.duration_ns = job.warmup_ns};
    const bench::Progress progress(generator, "warm-up", end);
    const SliceResult discarded = generator.run(end);
    // Connections are made once, in the warm-up; their times are all there is.
    connect = discarded.connect;
    reconnects = discarded.reconnects;
  }
  const bench::Progress progress(generator, "measuring", job.end);
  SliceResult result = generator.run(job.end);
  result.connect.merge(connect);
  result.reconnects += reconnects;
  return result;
}

Status print(const bench::Report& report, const std::string& json) {
  const bool json_on_stdout = json == "-";
  FILE* for_people = json_on_stdout ? stderr : stdout;
  const bool color = isatty(fileno(for_people)) != 0 && std::getenv("NO_COLOR") == nullptr;
  std::fputs(bench::text_report(report, color).c_str(), for_people);
  if (json_on_stdout) std::fputs(bench::json_report(report).c_str(), stdout);
  if (!json.empty() && !json_on_stdout) return write_file(json, bench::json_report(report));
  return {};
}

int failed_with(const std::string& text) {
  std::fprintf(stderr, "labcoat bench: %s\n", text.c_str());
  return exit_failed;
}

int run_job(const BenchJob& job) {
  bench::Report report;
  auto generator = Generator::open(job.load);
  if (!generator) return failed_with(generator.error().text);
  if (job.calibrate) {
    const auto ceiling = bench::measure_ceiling(job.load);
    if (!ceiling) return failed_with(ceiling.error().text + "; --no-calibrate does without");
    report.ceiling_rps = *ceiling;
  }
  {
    const StopOnInterrupt guard(**generator);
    report.result = measure(**generator, job);
  }
  report.interrupted = (*generator)->stopped();
  report.url = job.url;
  report.options = job.load;
  report.warmup_ns = job.warmup_ns;
  report.invalid_reasons = bench::invalid_reasons(job.load, report.result, report.ceiling_rps);
  bool held = false, unclear = false;
  for (const Gate& gate : job.gates) {
    const Gate::Outcome outcome = gate.judge(report.result);
    held |= outcome.verdict == Gate::Verdict::holds;
    unclear |= outcome.verdict == Gate::Verdict::cannot_tell;
    report.gates.push_back(outcome.sentence);
  }
  if (const Status printed = print(report, job.json); !printed) {
    return failed_with(printed.error().text);
  }
  if (bench::every_request_failed(report.result)) return exit_failed;
  if (!report.invalid_reasons.empty()) return exit_cannot_tell;
  return held ? exit_failed : unclear ? exit_cannot_tell : exit_ok;
}

}  // namespace

int bench_command(int argc, char** argv) {
  const auto job = read_bench_words(argc, argv);
  if (!job) return usage_error("bench", job.error().text);
  if (!job->help.empty()) {
    std::fputs(job->help.c_str(), stdout);
    return exit_ok;
  }
  return run_job(*job);
}

}  // namespace labcoat
