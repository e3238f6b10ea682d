// labcoat bench: words to LoadOptions, then calibrate, warm up, measure, judge, print.
#include <CLI/CLI.hpp>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <memory>
#include <optional>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/text.h"
#include "bench/calibrate.h"
#include "bench/gate.h"
#include "bench/generator.h"
#include "bench/progress.h"
#include "bench/report.h"
#include "bench/validity.h"
#include "cli/command.h"

namespace labcoat {
namespace {

using bench::Gate;
using bench::Generator;
using bench::LoadOptions;
using bench::SliceEnd;
using bench::SliceResult;
using bench::Target;

constexpr i64 warmup_default_ns = 1 * seconds;
constexpr i64 duration_default_ns = 10 * seconds;
constexpr i64 body_bytes_max = i64{1} << 30;

// As typed. Everything is text here: our own parsers say better what is wrong than the library's.
struct Words {
  std::vector<std::string> positional;
  std::vector<std::string> urls;
  std::string connections, threads, duration, requests, rate, timeout, warmup, seed;
  std::string method, body, json, unix_socket;
  std::vector<std::string> headers, gates;
  bool no_calibrate = false;
};

// What the words mean.
struct Job {
  LoadOptions load;
  std::string url;  // for the report
  SliceEnd end;
  i64 warmup_ns = 0;
  bool calibrate = true;
  std::vector<Gate> gates;
  std::string json;  // a path, "-" or nothing
};

void describe(CLI::App& app, Words& words) {
  app.add_option("URL", words.positional, "http://HOST:PORT/PATH to load");
  app.add_option(
      "--url", words.urls,
      "'WEIGHT URL', repeatable: a mix of URLs of one server, chosen at random by weight");
  app.add_option("-c,--connections", words.connections, "connections kept open [64]");
  app.add_option("-d,--duration", words.duration, "how long to measure, such as 30s or 2m [10s]");
  app.add_option("-n,--requests", words.requests, "stop after so many requests instead");
  app.add_option(
      "-r,--rate", words.rate,
      "requests per second, Poisson arrivals (open loop); without it each connection sends its "
      "next request when the answer is there (closed loop)");
  app.add_option("-t,--threads", words.threads, "generator threads [1]");
  app.add_option("--warmup", words.warmup, "load before measuring [1s; 0 with -n]");
  app.add_option("--timeout", words.timeout, "give a request up after this time [10s]");
  app.add_option("-m,--method", words.method, "request method [GET; POST with -b]");
  app.add_option("-H,--header", words.headers, "'Name: value', repeatable");
  app.add_option("-b,--body", words.body, "request body, or @FILE");
  app.add_option("--unix", words.unix_socket,
                 "connect to this UNIX socket; the URL gives Host and path");
  app.add_option(
      "--fail-if", words.gates,
      "exit 1 when it holds, repeatable: 'p99>50ms', 'errors>0', 'rps<1000', 'error_share>1%'");
  app.add_option("--json", words.json, "write the report as JSON to FILE, or to stdout with -");
  app.add_option("--seed", words.seed, "of the mix and the arrival times [1]");
  app.add_flag("--no-calibrate", words.no_calibrate,
               "do not measure first (0.2 s) what the generator itself can do");
  // One word per occurrence: by default the library would let a repeatable option swallow the URL
  // behind it.
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() && option->get_snames().empty()) continue;
    if (option->get_items_expected_max() > 1) option->allow_extra_args(false);
  }
  app.footer(
      "metrics of --fail-if: " + Gate::metric_names() +
      "\n\nexit: 0 valid and nothing failed; 1 a --fail-if held or every request failed; 2 usage; "
      "3 the run is not valid\nmore in docs/bench.md");
}

Error wrong(const char* flag, const std::string& what) {
  return Error{std::string(flag) + ": " + what};
}
tl::unexpected<Error> refuse(const char* flag, const std::string& what) {
  return tl::unexpected<Error>(wrong(flag, what));
}

Result<i64> whole_number(const char* flag, const std::string& word, i64 min, i64 max, i64 absent) {
  if (word.empty()) return absent;
  const auto value = parse_int(word);
  if (!value) return refuse(flag, value.error().text);
  if (*value < min || *value > max) {
    return refuse(flag, fmt::format("{} is not from {} to {}", *value, min, max));
  }
  return *value;
}

Result<i64> duration(const char* flag, const std::string& word, i64 min, i64 absent) {
  if (word.empty()) return absent;
  const auto value = parse_duration(word);
  if (!value) return refuse(flag, value.error().text);
  if (*value < min) {
    return refuse(flag, fmt::format("{} is too short, at least {}", word, exact_duration(min)));
  }
  return *value;
}

Status read_numbers(const Words& words, Job& job) {
  if (!words.duration.empty() && !words.requests.empty()) {
    return fail("-d and -n exclude each other: say how long or how many, not both");
  }
  const auto connections = whole_number("-c", words.connections, 1, bench::connections_max, 64);
  const auto threads = whole_number("-t", words.threads, 1, bench::threads_max, 1);
  const auto requests = whole_number("-n", words.requests, 1, i64{1} << 53, 0);
  const auto seed = whole_number("--seed", words.seed, 0, i64{1} << 62, 1);
  for (const auto* number : {&connections, &threads, &requests, &seed}) {
    if (!*number) return tl::unexpected<Error>(number->error());
  }
  const bool counted = *requests > 0;
  const auto length = duration("-d", words.duration, 1 * ms, counted ? 0 : duration_default_ns);
  const auto warmup = duration("--warmup", words.warmup, 0, counted ? 0 : warmup_default_ns);
  const auto timeout = duration("--timeout", words.timeout, 1 * ms, 10 * seconds);
  for (const auto* time : {&length, &warmup, &timeout}) {
    if (!*time) return tl::unexpected<Error>(time->error());
  }
  if (!words.rate.empty()) {
    const auto rate = parse_real(words.rate);
    if (!rate) return refuse("-r", rate.error().text);
    if (!(*rate > 0) || *rate > 1e9) {
      return refuse("-r", words.rate + " is no rate: write requests per second, above 0");
    }
    job.load.rate = *rate;
  }
  job.load.connections = static_cast<int>(*connections);
  job.load.threads = static_cast<int>(*threads);
  job.load.timeout_ns = *timeout;
  job.load.seed = static_cast<u64>(*seed);
  job.end = {.duration_ns = *length, .requests_max = static_cast<u64>(*requests)};
  job.warmup_ns = *warmup;
  return {};
}

// The request that every target shares, apart from its URL.
Result<Target> read_request(const Words& words) {
  Target target;
  if (words.body.starts_with('@')) {
    auto content = read_file(words.body.substr(1), body_bytes_max);
    if (!content) return refuse("-b", content.error().text);
    target.body = std::move(*content);
  } else {
    target.body = words.body;
  }
  target.method = !words.method.empty() ? words.method : words.body.empty() ? "GET" : "POST";
  for (const std::string& header : words.headers) {
    const size_t colon = header.find(':');
    if (colon == header.npos || colon == 0) {
      return refuse("-H", "'" + header + "' is not a header; write 'Name: value'");
    }
    target.headers.emplace_back(header.substr(0, colon), trim(header.substr(colon + 1)));
  }
  return target;
}

Status read_urls(const Words& words, const Target& request, Job& job) {
  const auto add = [&](const char* where, std::string_view text, double weight) -> Status {
    auto url = http::parse_url(text);
    if (!url) return refuse(where, url.error().text);
    Target target = request;
    target.url = std::move(*url);
    target.weight = weight;
    job.load.targets.push_back(std::move(target));
    return {};
  };
  if (words.positional.size() + std::min<size_t>(words.urls.size(), 1) > 1) {
    return fail(fmt::format("give one URL, or several as --url 'WEIGHT URL'; '{}' is one too many",
                            words.positional.back()));
  }
  if (!words.positional.empty()) {
    job.url = words.positional.front();
    return add("URL", job.url, 1);
  }
  for (const std::string& word : words.urls) {
    const std::string_view text = trim(word);
    const size_t space = text.find(' ');
    const auto weight = space == text.npos ? 1.0 : parse_real(text.substr(0, space));
    if (!weight || !(*weight > 0)) {
      return refuse("--url", fmt::format("'{}' does not begin with a weight above 0; write '3 "
                                         "http://127.0.0.1:8000/path'",
                                         word));
    }
    if (Status added = add("--url", trim(text.substr(space == text.npos ? 0 : space)), *weight);
        !added) {
      return added;
    }
    job.url += (job.url.empty() ? "" : ", ") + std::string(text);
  }
  if (job.load.targets.empty()) {
    return fail("which URL? for example: labcoat bench http://127.0.0.1:8000/");
  }
  return {};
}

Result<Job> read_job(const Words& words) {
  Job job;
  if (Status numbers = read_numbers(words, job); !numbers) {
    return tl::unexpected<Error>(numbers.error());
  }
  const auto request = read_request(words);
  if (!request) return tl::unexpected<Error>(request.error());
  if (Status urls = read_urls(words, *request, job); !urls) {
    return tl::unexpected<Error>(urls.error());
  }
  for (const std::string& word : words.gates) {
    auto gate = Gate::parse(word);
    if (!gate) return tl::unexpected<Error>(gate.error());
    job.gates.push_back(std::move(*gate));
  }
  job.json = words.json;
  // Found out now, not after the run is over and lost.
  if (!job.json.empty() && job.json != "-") {
    const std::filesystem::path path(job.json);
    const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
    if (access(folder.c_str(), W_OK) != 0)
      return refuse("--json", "cannot write in " + folder + ": " + errno_text(errno));
  }
  job.load.unix_socket = words.unix_socket;
  job.calibrate = !words.no_calibrate;
  if (Status valid = Generator::check(job.load); !valid) {
    return tl::unexpected<Error>(valid.error());
  }
  return job;
}

// The library's own sentences name its rules, not the user's next step.
std::string rephrased(const CLI::App& app, const CLI::ParseError& error) {
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
    for (const std::string& name : option->get_snames()) known.push_back("-" + name);
  }
  const std::vector<std::string> unknown = app.remaining();
  for (const std::string& word : unknown) {
    const std::string flag = word.substr(0, word.find('='));
    const std::vector<std::string_view> names(known.begin(), known.end());
    const std::string_view nearest = flag.starts_with("--") ? nearest_word(flag, names) : "";
    return fmt::format("there is no option '{}'{}", flag,
                       nearest.empty() ? "; 'labcoat bench --help' lists them all"
                                       : fmt::format("; did you mean '{}'?", nearest));
  }
  const std::string text = error.what();
  if (const size_t colon = text.find(": ");
      text.find("missing") != text.npos && colon != text.npos) {
    return fmt::format("{} needs a value behind it; 'labcoat bench --help' shows which",
                       text.substr(0, colon));
  }
  return text;
}

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

SliceResult measure(Generator& generator, const Job& job) {
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

int run_job(const Job& job) {
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
  CLI::App app("Loads a URL and prints rate and latency, counted from the planned send time.",
               "labcoat bench");
  Words words;
  try {
    describe(app, words);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::fputs(app.help().c_str(), stdout);
    return exit_ok;
  } catch (const CLI::ParseError& error) {
    return usage_error("bench", rephrased(app, error));
  }
  const auto job = read_job(words);
  if (!job) return usage_error("bench", job.error().text);
  return run_job(*job);
}

}  // namespace labcoat
