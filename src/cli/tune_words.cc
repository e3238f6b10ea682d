#include "cli/tune_words.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>

#include "base/text.h"
#include "cli/command.h"

namespace labcoat {
namespace {

namespace fs = std::filesystem;

// As typed. Everything is text here: our own parsers say better what is wrong than the library's.
struct TuneWords {
  std::string application, study, target, knobs, maximize, minimize, margin, budget, out, seed,
      json;
  std::string connections, rate, python;
  std::vector<std::string> guards, urls;
  bool apply = false;
};

void describe_tune(CLI::App& app, TuneWords& words) {
  app.add_option("APPLICATION", words.application,
                 "MODULE:CALLABLE or a labcoat.toml; without it ./labcoat.toml");
  app.add_option("-c,--study", words.study, "a study file: application, load, knobs, budget");
  app.add_option("--target", words.target,
                 "labcoat, gunicorn, … or a folder with a target.toml [labcoat]");
  app.add_option("--knobs", words.knobs, "only these, separated by commas");
  app.add_option("--maximize", words.maximize, "metric to raise [rps]");
  app.add_option("--minimize", words.minimize,
                 "metric to lower: p50, p90, p95, p99, mean, cpu_per_request, memory");
  app.add_option("--guard", words.guards,
                 "limit that a kept change must hold, repeatable: 'p99<50ms', 'errors<0.1%'");
  app.add_option("--margin", words.margin,
                 "smaller differences do not count [3 %, or more where the noise asks for it]");
  app.add_option("--budget", words.budget, "time for the whole study [5m]");
  app.add_option("--url", words.urls, "'WEIGHT PATH', repeatable: a mix of requests [GET /]");
  app.add_option("--connections", words.connections, "connections kept open to each server [16]");
  app.add_option("--rate", words.rate, "requests a second at random moments instead of full speed");
  app.add_option("--python", words.python, "interpreter for the application");
  app.add_option("--out", words.out, "folder for notebook, report and best.toml [labcoat-lab]");
  app.add_option("--seed", words.seed, "of the order of everything [random, printed]");
  app.add_option("--json", words.json, "write the result as JSON to FILE, or to stdout with -");
  app.add_flag("--apply", words.apply,
               "write what was confirmed into your labcoat.toml, keeping the old one beside it");
  for (CLI::Option* option : app.get_options()) {
    if (option->get_items_expected_max() > 1) option->allow_extra_args(false);
  }
  app.footer(
      "exit: 0 done; 1 failed or interrupted, nothing was changed; 2 usage; 3 cannot tell: too "
      "noisy "
      "for the margin within the budget\nmore in docs/tune.md");
}

Status take_objective(const TuneWords& words, StudyRequest& request) {
  if (words.maximize.empty() && words.minimize.empty()) return {};
  if (!words.maximize.empty() && !words.minimize.empty()) {
    return fail("--maximize and --minimize exclude each other");
  }
  request.minimize = words.maximize.empty();
  request.direction_given = true;
  request.metric = request.minimize ? words.minimize : words.maximize;
  const char* flag = request.minimize ? "--minimize" : "--maximize";
  auto metric = find_metric(request.metric);
  if (!metric) return refuse_flag(flag, metric.error().text);
  if (metric->more_is_better == request.minimize) {
    return refuse_flag(flag, fmt::format("{} is better when it is {}", metric->name,
                                         metric->more_is_better ? "high" : "low"));
  }
  return {};
}

Status take_load(const TuneWords& words, Load& load) {
  if (!words.urls.empty()) load.urls.clear();
  for (const std::string& text : words.urls) {
    auto url = parse_load_url(text);
    if (!url) return refuse_flag("--url", url.error().text);
    load.urls.push_back(*url);
  }
  if (!words.connections.empty()) {
    auto count = parse_int(words.connections);
    if (!count) return refuse_flag("--connections", count.error().text);
    if (*count < 1 || *count > 10'000)
      return refuse_flag("--connections", "must be from 1 to 10000");
    load.connections = static_cast<int>(*count);
  }
  if (!words.rate.empty()) {
    auto rate = parse_real(words.rate);
    if (!rate) return refuse_flag("--rate", rate.error().text);
    if (*rate <= 0) return refuse_flag("--rate", "must be above 0");
    load.rate = *rate;
  }
  return {};
}

Status take_limits(const TuneWords& words, StudyRequest& request) {
  for (const std::string& text : words.guards) {
    auto guard = parse_guard(text);
    if (!guard) return refuse_flag("--guard", guard.error().text);
    request.guards.push_back(*guard);
  }
  if (!words.margin.empty()) {
    auto margin = parse_margin(words.margin);
    if (!margin) return refuse_flag("--margin", margin.error().text);
    request.margin = *margin;
  }
  if (!words.budget.empty()) {
    auto budget = parse_budget(words.budget);
    if (!budget) return refuse_flag("--budget", budget.error().text);
    request.budget_ns = *budget;
  }
  if (!words.seed.empty()) {
    auto seed = parse_int(words.seed);
    if (!seed || *seed < 0)
      return refuse_flag("--seed", "'" + words.seed + "' is no whole number from 0");
    request.seed = static_cast<u64>(*seed);
  }
  if (!words.knobs.empty()) {
    request.knobs.clear();
    for (std::string_view name : split(words.knobs, ',')) {
      if (!trim(name).empty()) request.knobs.emplace_back(trim(name));
    }
  }
  return {};
}

Status take_words(const TuneWords& words, StudyRequest& request) {
  const std::string here = fs::current_path().string();
  if (!words.target.empty()) request.target = words.target;
  if (!words.python.empty()) request.python = words.python;
  if (!words.application.empty()) {
    request.config.clear();
    request.callable.clear();
    request.directory = here;
    if (auto status = take_application(request, words.application, here); !status) return status;
  }
  const bool no_application = request.config.empty() && request.callable.empty();
  if (no_application && fs::exists("labcoat.toml") && request.target == "labcoat") {
    if (auto status = take_application(request, "labcoat.toml", here); !status) return status;
  }
  if (request.directory.empty()) request.directory = here;
  if (auto status = take_objective(words, request); !status) return status;
  if (auto status = take_load(words, request.load); !status) return status;
  return take_limits(words, request);
}

std::string command_line(int argc, char** argv) {
  std::string out = "labcoat";
  for (int i = 0; i < argc; ++i) {
    const std::string word = argv[i];
    const bool plain = !word.empty() && word.find_first_of(" '\"<>|&;*?$") == std::string::npos;
    out += plain ? " " + word : " '" + word + "'";
  }
  return out;
}

}  // namespace

Result<TuneJob> read_tune_words(int argc, char** argv) {
  TuneWords words;
  CLI::App app(
      "Finds which settings pay, on your application, with your load: one change at a time, "
      "measured against the noise, kept or rolled back, and confirmed.",
      "labcoat tune");
  describe_tune(app, words);
  TuneJob job;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    job.help = app.help();
    return job;
  } catch (const CLI::ParseError& error) {
    return fail(std::string(error.what()) + "; see labcoat tune --help");
  }
  if (!words.study.empty()) {
    auto request = read_study_file(words.study);
    if (!request) return tl::unexpected(request.error());
    job.laboratory.request = std::move(*request);
  }
  if (auto status = take_words(words, job.laboratory.request); !status) {
    return tl::unexpected(status.error());
  }
  if (!words.out.empty()) job.laboratory.out = words.out;
  job.laboratory.command = command_line(argc, argv);
  job.laboratory.program_version = LABCOAT_VERSION;
  job.json = words.json;
  job.apply = words.apply;
  if (job.apply && job.laboratory.request.target != "labcoat") {
    return refuse_flag("--apply",
                       "only labcoat's own configuration can be written; copy the values from "
                       "best.toml by hand");
  }
  return job;
}

}  // namespace labcoat
