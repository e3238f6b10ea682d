#include "cli/bench_words.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"

namespace labcoat {
namespace {

using bench::Gate;
using bench::Generator;

constexpr i64 warmup_default_ns = 1 * seconds;
constexpr i64 duration_default_ns = 10 * seconds;
constexpr i64 body_bytes_max = i64{1} << 30;

// As typed. Everything is text here: our own parsers say better what is wrong than the library's.
struct BenchWords {
  std::vector<std::string> positional;
  std::vector<std::string> urls;
  std::string connections, threads, duration, requests, rate, timeout, warmup, seed;
  std::string method, body, json, unix_socket;
  std::vector<std::string> headers, gates;
  bool no_calibrate = false;
};

void describe_bench(CLI::App& app, BenchWords& words) {
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

Result<i64> whole_number(const char* flag, const std::string& word, i64 min, i64 max, i64 absent) {
  if (word.empty()) return absent;
  const auto value = parse_int(word);
  if (!value) return refuse_flag(flag, value.error().text);
  if (*value < min || *value > max) {
    return refuse_flag(flag, fmt::format("{} is not from {} to {}", *value, min, max));
  }
  return *value;
}

Result<i64> duration(const char* flag, const std::string& word, i64 min, i64 absent) {
  if (word.empty()) return absent;
  const auto value = parse_duration(word);
  if (!value) return refuse_flag(flag, value.error().text);
  if (*value < min) {
    return refuse_flag(flag,
                       fmt::format("{} is too short, at least {}", word, exact_duration(min)));
  }
  return *value;
}

Status read_numbers(const BenchWords& words, BenchJob& job) {
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
    if (!rate) return refuse_flag("-r", rate.error().text);
    if (!(*rate > 0) || *rate > 1e9) {
      return refuse_flag("-r", words.rate + " is no rate: write requests per second, above 0");
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
Result<bench::Target> read_request(const BenchWords& words) {
  bench::Target target;
  if (words.body.starts_with('@')) {
    auto content = read_file(words.body.substr(1), body_bytes_max);
    if (!content) return refuse_flag("-b", content.error().text);
    target.body = std::move(*content);
  } else {
    target.body = words.body;
  }
  target.method = !words.method.empty() ? words.method : words.body.empty() ? "GET" : "POST";
  for (const std::string& header : words.headers) {
    const size_t colon = header.find(':');
    if (colon == header.npos || colon == 0) {
      return refuse_flag("-H", "'" + header + "' is not a header; write 'Name: value'");
    }
    target.headers.emplace_back(header.substr(0, colon), trim(header.substr(colon + 1)));
  }
  return target;
}

Status read_urls(const BenchWords& words, const bench::Target& request, BenchJob& job) {
  const auto add = [&](const char* where, std::string_view text, double weight) -> Status {
    auto url = http::parse_url(text);
    if (!url) return refuse_flag(where, url.error().text);
    bench::Target target = request;
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
      return refuse_flag("--url", fmt::format("'{}' does not begin with a weight above 0; write '3 "
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

// Found out now, not after the run is over and lost.
Status check_json_path(const std::string& word) {
  if (word.empty() || word == "-") return {};
  const std::filesystem::path path(word);
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return refuse_flag("--json", word + " is a directory; name a file in it");
  }
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  if (access(folder.c_str(), W_OK) != 0) {
    return refuse_flag("--json", "cannot write in " + folder + ": " + errno_text(errno));
  }
  return {};
}

Result<BenchJob> read_job(const BenchWords& words) {
  BenchJob job;
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
  if (Status json = check_json_path(words.json); !json) {
    return tl::unexpected<Error>(json.error());
  }
  job.json = words.json;
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
  if (!unknown.empty()) {
    const std::string flag = unknown.front().substr(0, unknown.front().find('='));
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

}  // namespace

Result<BenchJob> read_bench_words(int argc, char** argv) {
  CLI::App app("Loads a URL and prints rate and latency, counted from the planned send time.",
               "labcoat bench");
  BenchWords words;
  try {
    describe_bench(app, words);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    BenchJob job;
    job.help = app.help() + "\n";
    return job;
  } catch (const CLI::ParseError& error) {
    return fail(rephrased(app, error));
  }
  return read_job(words);
}

}  // namespace labcoat
