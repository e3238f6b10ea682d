#include "lab/block_runner.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <regex>

#include "base/text.h"
#include "lab/process_tree.h"

namespace labcoat {
namespace {

constexpr double latency_factor_max = 2.0;
constexpr double error_share_more_max = 0.005;
// Before so many requests arm A's own level is not known …
constexpr u64 requests_judged_min = 50;
// … and a slow arm B answers few, which is just what is to be noticed.
constexpr u64 answers_judged_min = 10;
constexpr size_t slices_judged_min = 2;  // of each arm
constexpr i64 command_patience_ns = 60 * seconds;
// A slice of so many requests may take so much longer on an arm that is slower.
constexpr int slice_patience = 4;
// Starting and stopping two servers, roughly; the budget learns the truth from the first block.
constexpr double overhead_guess_s = 0.8;

}  // namespace

// One arm while its block runs.
struct BlockRunner::ArmState {
  std::unique_ptr<Server> server;
  KnobValues values;
  std::string folder;
  std::optional<LoadClient> client;
  Histogram latency;
  i64 cpu_before_ns = 0;
  ArmSample sum;
  size_t slices = 0;
};

BlockShape shape_for(i64 budget_ns, size_t questions) {
  // Six blocks a question: enough for most verdicts; the noise floor and the end take about
  // twenty-five.
  const double block_s =
      static_cast<double>(budget_ns) / seconds / (25.0 + 6.0 * static_cast<double>(questions));
  BlockShape shape;
  if (block_s < 1.2) {
    shape.slices = 4;
    shape.slice_ns = 100 * ms;
    shape.warmup_ns = 100 * ms;
    return shape;
  }
  const double groups = std::round((block_s - overhead_guess_s) / 0.8);
  shape.slices = 4 * static_cast<size_t>(std::clamp(groups, 1.0, 4.0));
  return shape;
}

std::string unsafe_by_answers(const ArmSample& a, const ArmSample& b) {
  const u64 b_requests = b.ok + b.errors;
  if (a.ok + a.errors < requests_judged_min || b_requests == 0) return "";
  const bool errors_judged = b_requests >= requests_judged_min || b.ok == 0;
  if (errors_judged && b.error_share() > a.error_share() + error_share_more_max) {
    return fmt::format("stopped for safety: {:.1f} % of its answers were errors, {:.1f} % before",
                       b.error_share() * 100, a.error_share() * 100);
  }
  const double factor = b.latency.mean / std::max(a.latency.mean, 1.0);
  if (b.latency.count >= answers_judged_min && a.latency.count > 0 && factor > latency_factor_max) {
    return fmt::format("stopped for safety: answers took {:.1f} times as long", factor);
  }
  return "";
}

BlockRunner::BlockRunner(const Target& target, const AppUnderTest& app, const Load& load,
                         BlockShape shape, const Metric& metric, KnobValues unchanged,
                         std::string directory, const std::atomic<bool>& stop)
    : target_(target),
      app_(app),
      load_(load),
      shape_(shape),
      metric_(metric),
      unchanged_(std::move(unchanged)),
      directory_(std::move(directory)),
      stop_(stop) {}

Result<std::unique_ptr<Server>> BlockRunner::start(const KnobValues& values,
                                                   const std::string& folder) {
  KnobValues changed;
  for (const auto& [name, value] : values) {
    const auto own = unchanged_.find(name);
    if (own == unchanged_.end() || own->second != value) changed[name] = value;
  }
  return Server::start(target_, app_, values, changed, folder);
}

Result<Block> BlockRunner::measure(const KnobValues& a_values, const KnobValues& b_values,
                                   u64 seed) {
  const i64 begun = now_ns();
  Block block;
  block.seed = seed;
  ArmState a;
  ArmState b;
  a.values = a_values;
  b.values = b_values;
  a.folder = directory_ + "/a";
  b.folder = directory_ + "/b";
  // Both start at once, so that waiting for one is waiting for both.
  auto server_a = start(a_values, a.folder);
  auto server_b = start(b_values, b.folder);
  Status ready_a = server_a ? (*server_a)->wait_ready() : Status(tl::unexpected(server_a.error()));
  if (!ready_a && !stop_) {
    // Another program may have taken its port; a second failure is no accident.
    server_a = start(a_values, a.folder);
    ready_a = server_a ? (*server_a)->wait_ready() : Status(tl::unexpected(server_a.error()));
  }
  if (stop_) {
    block.end = BlockEnd::interrupted;
    return block;
  }
  if (!ready_a) return fail("the baseline does not run: " + ready_a.error().text);
  Status ready_b = server_b ? (*server_b)->wait_ready() : Status(tl::unexpected(server_b.error()));
  if (!ready_b && !stop_) {
    server_b = start(b_values, b.folder);
    ready_b = server_b ? (*server_b)->wait_ready() : Status(tl::unexpected(server_b.error()));
  }
  if (ready_b) {
    a.server = std::move(*server_a);
    b.server = std::move(*server_b);
    if (auto status = run_slices(block, a, b, seed); !status) return tl::unexpected(status.error());
    if (block.a.ok > 0 && block.a.busy_ns > 0) {
      requests_per_second_ = static_cast<double>(block.a.ok + block.a.errors) * seconds /
                             static_cast<double>(block.a.busy_ns);
    }
    // Without their connections the servers have nothing to wait for; both stop at once.
    for (ArmState* arm : {&a, &b}) arm->client.reset();
    for (ArmState* arm : {&a, &b}) arm->server->begin_stop();
    for (ArmState* arm : {&a, &b}) arm->server->stop();
  } else {
    block.end = BlockEnd::not_started;
    block.reason = ready_b.error().text;
    (*server_a)->stop();
  }
  if (stop_) block.end = BlockEnd::interrupted;
  block.elapsed_ns = now_ns() - begun;
  return block;
}

// About so long, but in the closed loop a number of requests. Both arms choose from the mix with
// the same seed, so the same number is the same requests.
ArmSample BlockRunner::ask(ArmState& arm, i64 about_ns, Histogram& latency) {
  if (load_.rate > 0) return arm.client->run(about_ns, 0, latency);
  const double requests = requests_per_second_ * static_cast<double>(about_ns) / seconds;
  return arm.client->run(slice_patience * about_ns, std::max<u64>(1, static_cast<u64>(requests)),
                         latency);
}

void BlockRunner::warm_up(ArmState& a, ArmState& b) {
  if (!target_.workload.exec.empty()) return;
  Histogram unused;
  if (requests_per_second_ > 0 || load_.rate > 0) {
    for (ArmState* arm : {&a, &b}) ask(*arm, shape_.warmup_ns, unused);
    return;
  }
  // The very first block: find the rate by time on arm A, and ask arm B for as many.
  u64 asked = 0;
  for (const i64 duration : {shape_.warmup_ns, shape_.slice_ns}) {
    const ArmSample sample = a.client->run(duration, 0, unused);
    asked += sample.ok + sample.errors;
    requests_per_second_ = static_cast<double>(sample.ok + sample.errors) * seconds /
                           static_cast<double>(std::max<i64>(sample.busy_ns, 1));
  }
  b.client->run(slice_patience * (shape_.warmup_ns + shape_.slice_ns), std::max<u64>(1, asked),
                unused);
}

Status BlockRunner::run_slices(Block& block, ArmState& a, ArmState& b, u64 seed) {
  const i64 begun = now_ns();
  for (ArmState* arm : {&a, &b}) {
    if (!target_.workload.exec.empty()) continue;
    auto client = LoadClient::open(load_, arm->server->port(), seed);
    if (!client) return tl::unexpected(client.error());
    arm->client.emplace(std::move(*client));
  }
  warm_up(a, b);
  for (ArmState* arm : {&a, &b}) {
    arm->cpu_before_ns = process_tree_use(arm->server->pid(), false).cpu_ns;
  }
  const i64 measured_from = now_ns();
  const i64 outside_before = machine_cpu_ns() - read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  if (auto status = take_turns(block, a, b, begun); !status) return status;
  const i64 outside_now = machine_cpu_ns() - read_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  // Not ours; the arms' part is taken off when they have been read.
  block.other_cpus = static_cast<double>(outside_now - outside_before) /
                     static_cast<double>(std::max<i64>(now_ns() - measured_from, 1));
  finish(block, a, b, now_ns() - measured_from);
  return {};
}

Status BlockRunner::take_turns(Block& block, ArmState& a, ArmState& b, i64 begun) {
  for (const Arm turn : slice_order(shape_.slices, block.seed)) {
    if (stop_) return {};
    ArmState& arm = turn == Arm::a ? a : b;
    Slice one;
    one.arm = turn;
    one.start_ns = now_ns() - begun;
    auto sample = slice(arm);
    if (!sample) return tl::unexpected(sample.error());
    one.sample = *sample;
    arm.sum.merge(*sample);
    ++arm.slices;
    block.slices.push_back(one);
    if (std::min(a.slices, b.slices) < slices_judged_min) continue;
    block.reason = unsafe_by_answers(a.sum, b.sum);
    if (!block.reason.empty()) {
      block.end = BlockEnd::unsafe;
      return {};
    }
  }
  return {};
}

Result<ArmSample> BlockRunner::slice(ArmState& arm) {
  if (!target_.workload.exec.empty()) return run_command(arm);
  return ask(arm, shape_.slice_ns, arm.latency);
}

// A command that measures by itself: one run is one slice, its own output says how fast the server
// was.
Result<ArmSample> BlockRunner::run_command(ArmState& arm) {
  Placeholders values = placeholders_of(target_, app_, arm.values, arm.folder, arm.server->port());
  values["seconds"] =
      fmt::format("{}", std::max<i64>(1, (shape_.slice_ns + seconds / 2) / seconds));
  Command command;
  command.argv = fill_argv(target_.workload.exec, values, {});
  command.directory = arm.folder;
  command.output_path = arm.folder + "/workload.log";
  (void)std::remove(command.output_path.c_str());
  const i64 begun = now_ns();
  auto keeper = Keeper::start(command);
  if (!keeper) return tl::unexpected(keeper.error());
  const auto status = (*keeper)->wait_exit(command_patience_ns);
  (*keeper)->kill_all();
  ArmSample sample;
  sample.busy_ns = now_ns() - begun;
  const std::string output = read_file(command.output_path).value_or("");
  try {
    std::smatch match;
    const bool found = std::regex_search(output, match, std::regex(target_.workload.metric));
    const auto number =
        found && match.size() > 1 ? parse_real(match[1].str()) : Result<double>(fail("no match"));
    if (!status || *status != 0 || !number) {
      return fail(
          fmt::format("the workload command {} gave no result that matches '{}'; it said: {}",
                      command.argv[0], target_.workload.metric, trim(output)));
    }
    sample.ok = 1;
    sample.reported = *number;
  } catch (const std::regex_error& error) {
    return fail(fmt::format("'metric' of the target is no regular expression: {}", error.what()));
  }
  return sample;
}

void BlockRunner::finish(Block& block, ArmState& a, ArmState& b, i64 measured_ns) const {
  for (ArmState* arm : {&a, &b}) {
    const TreeUse use = process_tree_use(arm->server->pid(), true);
    arm->sum.latency = LatencySummary::of(arm->latency);
    arm->sum.cpu_ns = std::max<i64>(0, use.cpu_ns - arm->cpu_before_ns);
    arm->sum.memory_bytes = use.memory_bytes;
    block.other_cpus -=
        static_cast<double>(arm->sum.cpu_ns) / static_cast<double>(std::max<i64>(measured_ns, 1));
  }
  block.other_cpus = std::max(0.0, block.other_cpus);
  block.a = a.sum;
  block.b = b.sum;
  if (block.end == BlockEnd::complete) {
    if (auto why = b.server->died()) {
      block.end = BlockEnd::not_started;
      block.reason = *why;
    }
  }
  const auto value_a = metric_value(metric_, block.a);
  const auto value_b = metric_value(metric_, block.b);
  if (!value_a || !value_b || *value_a <= 0 || *value_b <= 0) return;
  const double log_ratio = std::log(*value_b / *value_a);
  block.log_gain = metric_.more_is_better ? log_ratio : -log_ratio;
}

}  // namespace labcoat
