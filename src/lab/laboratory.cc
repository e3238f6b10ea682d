#include "lab/laboratory.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <random>
#include <sys/resource.h>

#include "base/cpu_count.h"
#include "base/text.h"
#include "config/options.h"
#include "lab/application.h"
#include "lab/block_runner.h"
#include "lab/environment.h"
#include "lab/notebook.h"
#include "lab/report.h"
#include "lab/study.h"

namespace labcoat {
namespace {

namespace fs = std::filesystem;

constexpr double generator_busy_share = 0.85;
constexpr double other_cpus_noted = 0.3;

// Tells notebook and progress line alike; the notebook first, so that nothing is shown that is not
// on disk.
class Both : public Observer {
 public:
  Both(Observer& first, Observer& second) : first_(first), second_(second) {}
  void began(const Record& record) override {
    first_.began(record);
    second_.began(record);
  }
  void journal(const std::string& sentence) override {
    first_.journal(sentence);
    second_.journal(sentence);
  }
  void trial_began(size_t index, const Trial& trial, size_t left) override {
    first_.trial_began(index, trial, left);
    second_.trial_began(index, trial, left);
  }
  void block_done(size_t index, const Trial& trial, const Block& block) override {
    first_.block_done(index, trial, block);
    second_.block_done(index, trial, block);
  }
  void trial_ended(size_t index, const Trial& trial) override {
    first_.trial_ended(index, trial);
    second_.trial_ended(index, trial);
  }
  void floor_known(const Record& record) override {
    first_.floor_known(record);
    second_.floor_known(record);
  }
  void ended(const Record& record) override {
    first_.ended(record);
    second_.ended(record);
  }

 private:
  Observer& first_;
  Observer& second_;
};

// Two arms' connections and a little for everything else.
Result<i64> raise_descriptor_limit(int connections) {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  const auto needed = 2 * static_cast<rlim_t>(connections) + 100;
  if (limit.rlim_cur < needed) {
    limit.rlim_cur = std::min(limit.rlim_max, needed);
    setrlimit(RLIMIT_NOFILE, &limit);
  }
  if (limit.rlim_cur < needed) {
    return fail(
        fmt::format("{} connections to each of two servers need {} open files, but only {} are "
                    "allowed (ulimit -n); use fewer connections",
                    connections, needed, limit.rlim_cur));
  }
  return static_cast<i64>(limit.rlim_cur);
}

u64 random_seed() {
  std::random_device device;
  return (u64{device()} << 16) ^ device();
}

Result<Metric> objective_of(const StudyRequest& request) {
  const bool open_loop = request.load.rate > 0;
  if (!request.direction_given) return find_metric(open_loop ? "p99" : "rps");
  auto metric = find_metric(request.metric);
  if (metric && open_loop && metric->kind == Metric::Kind::rps) {
    return fail(
        "with a fixed rate every configuration answers as many requests; maximize nothing, "
        "minimize p99 or cpu_per_request");
  }
  return metric;
}

// One study from request to record; a value that lives while it runs.
class Laboratory {
 public:
  Laboratory(const LaboratoryJob& job, Observer& progress, const std::atomic<bool>& stop)
      : job_(job), request_(job.request), progress_(progress), stop_(stop) {}

  Status prepare();
  Result<Record> run();

 private:
  Status prepare_target();
  Status prepare_baseline();
  Status prepare_folder();
  void diagnose(Record& record, std::vector<Question>& questions) const;
  std::string trials_folder() const { return out_ + "/trials"; }

  const LaboratoryJob& job_;
  StudyRequest request_;
  Observer& progress_;
  const std::atomic<bool>& stop_;
  Target target_;
  AppUnderTest app_;
  StudyPlan plan_;
  KnobValues unchanged_;
  std::vector<Knob> asked_;
  LevelLimit limit_;
  std::string out_;
};

Status Laboratory::prepare_target() {
  auto folder = find_target(request_.target);
  if (!folder) return tl::unexpected(folder.error());
  auto target = read_target(*folder, knobs_of_options(config::options()));
  if (!target) return tl::unexpected(target.error());
  target_ = std::move(*target);
  auto asked = choose_knobs(target_.knobs, request_.knobs);
  if (!asked) return tl::unexpected(asked.error());
  asked_ = std::move(*asked);
  if (request_.load.urls.empty())
    request_.load.urls.push_back({.path = target_.workload.http_path, .body = {}, .headers = {}});
  auto descriptors = raise_descriptor_limit(request_.load.connections);
  if (!descriptors) return tl::unexpected(descriptors.error());
  limit_.descriptors = *descriptors;
  limit_.cpus = cpu_count();
  return {};
}

Status Laboratory::prepare_baseline() {
  Record& record = plan_.record;
  if (target_.own_options) {
    if (request_.config.empty() && request_.callable.empty()) {
      return fail(
          "nothing to tune: name the application as MODULE:CALLABLE, or run where a "
          "labcoat.toml is, or give a study with -c");
    }
    auto values = knobs_of_application(request_, target_.knobs);
    if (!values) return tl::unexpected(values.error());
    record.baseline = std::move(*values);
    unchanged_ = record.baseline;
  } else {
    for (const Knob& knob : target_.knobs) record.baseline[knob.name] = knob.default_value;
  }
  for (const auto& [name, value] : request_.baseline) {
    const auto knob =
        std::find_if(target_.knobs.begin(), target_.knobs.end(),
                     [&wanted = name](const Knob& one) { return one.name == wanted; });
    if (knob == target_.knobs.end()) {
      return fail(fmt::format("[baseline] of the study: {} has no knob '{}'", target_.name, name));
    }
    if (auto status = check_knob_value(*knob, value); !status) {
      return fail(fmt::format("[baseline] of the study: {}: {}", name, status.error().text));
    }
    record.baseline[name] = value;
  }
  plan_.questions = plan_questions(asked_, target_.knobs, target_.needs, record.baseline);
  if (plan_.questions.empty())
    return fail("there is nothing to ask: no knob has another level to try");
  return {};
}

Status Laboratory::prepare_folder() {
  std::error_code error;
  fs::create_directories(job_.out, error);
  if (error) return fail(fmt::format("cannot make the folder {}: {}", job_.out, error.message()));
  out_ = fs::absolute(job_.out).lexically_normal().string();
  app_.callable = request_.callable;
  app_.directory = request_.directory;
  app_.python = request_.python;
  if (!target_.own_options || request_.config.empty()) {
    app_.config = target_.own_options ? "" : request_.config;
    return {};
  }
  // The arms get a copy: the admin listener cannot be had twice, and the user's file stays
  // untouched whatever happens.
  auto text = configuration_text(request_, {}, true);
  if (!text) return tl::unexpected(text.error());
  app_.config = out_ + "/trials/labcoat.toml";
  fs::create_directories(trials_folder(), error);
  return write_file(app_.config, *text);
}

Status Laboratory::prepare() {
  auto metric = objective_of(request_);
  if (!metric) return tl::unexpected(metric.error());
  Record& record = plan_.record;
  record.metric = *metric;
  for (const auto step :
       {&Laboratory::prepare_target, &Laboratory::prepare_baseline, &Laboratory::prepare_folder}) {
    if (auto status = (this->*step)(); !status) return status;
  }
  record.target = target_.name;
  record.command = job_.command;
  record.load = request_.load.describe();
  record.margin = request_.margin;
  record.margin_chosen = request_.margin > 0;
  record.budget_ns = request_.budget_ns;
  record.seed = request_.seed.value_or(random_seed());
  record.environment = read_environment(job_.program_version);
  plan_.guards = request_.guards;
  for (const Guard& guard : plan_.guards) record.guards.push_back(guard.text);
  plan_.diagnose = [this](Record& known, std::vector<Question>& questions) {
    diagnose(known, questions);
  };
  return {};
}

void Laboratory::diagnose(Record& record, std::vector<Question>& questions) const {
  const ArmSample& sample = record.baseline_sample;
  const double busy = static_cast<double>(std::max<i64>(sample.busy_ns, 1));
  double others = 0;
  for (const Block& block : record.noise.blocks) {
    others += block.other_cpus / static_cast<double>(record.noise.blocks.size());
  }
  if (others > other_cpus_noted) {
    record.notes.push_back(fmt::format(
        "Other programs on this machine used {:.1f} of its CPUs while the baseline was measured; "
        "without them the verdicts would be sharper.",
        others));
  }
  const Diagnosis diagnosis =
      labcoat::diagnose(static_cast<double>(sample.cpu_ns) / busy, sample.generator_share, others,
                        limit_.cpus, sample.error_share());
  record.diagnosis = diagnosis.sentence;
  order_questions(questions, diagnosis.bottleneck == Bottleneck::cpu ? target_.first_when_cpu
                             : diagnosis.bottleneck == Bottleneck::waiting
                                 ? target_.first_when_waiting
                                 : target_.first_when_failing);
  if (sample.generator_share > generator_busy_share) {
    record.notes.push_back(fmt::format(
        "The load generator used {:.0f} % of a CPU: the server may be faster than what could be "
        "asked of it here, so real improvements may be larger than shown.",
        sample.generator_share * 100));
  }
  for (const Guard& guard : plan_.guards) {
    if (guard_holds(guard, sample)) continue;
    record.notes.push_back(fmt::format("The baseline itself breaks the guard {}.", guard.text));
  }
  LevelLimit limit = limit_;
  limit.memory_bytes = memory_available_bytes();
  limit.baseline_bytes = sample.memory_bytes;
  std::erase_if(questions, [&](const Question& question) {
    const std::string why = unsafe_by_size(question, target_.knobs, record.baseline, limit);
    if (!why.empty()) record.notes.push_back("Not asked, for safety: " + why + ".");
    return !why.empty();
  });
}

Result<Record> Laboratory::run() {
  auto notebook = Notebook::open(out_ + "/notebook.sqlite");
  if (!notebook) return tl::unexpected(notebook.error());
  Both observers(**notebook, progress_);
  const BlockShape shape = shape_for(request_.budget_ns, plan_.questions.size());
  BlockRunner runner(target_, app_, request_.load, shape, plan_.record.metric, unchanged_,
                     trials_folder(), stop_);
  auto record = Study(plan_, runner, observers, stop_).run();
  if (!record) return record;
  if (auto status = (*notebook)->status(); !status) record->notes.push_back(status.error().text);
  if (auto status = write_reports(*record, target_, request_, out_); !status) {
    return tl::unexpected(status.error());
  }
  // Kept only when something went wrong: the arms' last output.
  std::error_code ignored;
  fs::remove_all(trials_folder(), ignored);
  return record;
}

}  // namespace

tl::expected<Record, LaboratoryError> run_laboratory(const LaboratoryJob& job, Observer& progress,
                                                     const std::atomic<bool>& stop) {
  Laboratory laboratory(job, progress, stop);
  if (auto status = laboratory.prepare(); !status) {
    return tl::unexpected(LaboratoryError{status.error().text, false});
  }
  auto record = laboratory.run();
  if (!record) return tl::unexpected(LaboratoryError{record.error().text, true});
  return *record;
}

}  // namespace labcoat
