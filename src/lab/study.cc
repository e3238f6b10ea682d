#include "lab/study.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/text.h"
#include "stats/random.h"
#include "stats/robust_effect.h"

namespace labcoat {
namespace {

// One bad moment of the machine may look like an unsafe arm; two in one comparison are believed.
constexpr size_t unsafe_blocks_believed = 2;
// Blocks in which an arm had nothing to measure: after so many, more of them would bring nothing.
constexpr size_t mute_blocks_max = 2;
// A margin that follows the noise must end somewhere: "no difference" within ±50 % would be no
// answer.
constexpr double derived_margin_max = 0.20;

std::string join_values(const KnobValues& values, const KnobValues& of) {
  std::vector<std::string> words;
  for (const auto& [name, value] : of) {
    const auto found = values.find(name);
    words.push_back(found == values.end() ? "" : found->second);
  }
  return fmt::format("{}", fmt::join(words, " + "));
}

// Whether the estimate that a few wild blocks cannot move lies where the verdict says: otherwise
// those blocks made it.
bool typical_block_agrees(const std::vector<double>& gains, Verdict verdict, double margin) {
  const double typical = robust_effect(gains).log_median;
  return verdict_of({typical, typical}, margin) == verdict;
}

size_t bad_blocks(const Trial& trial, BlockEnd end) {
  return static_cast<size_t>(std::count_if(trial.blocks.begin(), trial.blocks.end(),
                                           [&](const Block& block) { return block.end == end; }));
}

}  // namespace

Study::Study(StudyPlan plan, Measurer& measurer, Observer& observer, const std::atomic<bool>& stop)
    : plan_(std::move(plan)),
      record_(plan_.record),
      measurer_(measurer),
      observer_(observer),
      stop_(stop),
      started_ns_(measurer.now()),
      budget_(started_ns_, record_.budget_ns),
      current_(record_.baseline) {}

Result<Record> Study::run() {
  observer_.began(record_);
  // What can be seen at all comes first: no verdict may be finer than the instrument.
  Status status = find_noise_floor();
  if (status && !stopped()) status = ask_questions();
  // A change that the others made superfluous is left out, so that the result is as small as it can
  // be.
  if (status && !stopped() && !record_.found.empty()) status = leave_out_each();
  // The search picked the luckiest numbers; only a fresh comparison may be published.
  if (status && !stopped() && !record_.found.empty()) status = confirm();
  if (!status) return tl::unexpected(status.error());
  if (record_.confirmed) record_.recommended = record_.found;
  record_.interrupted = stopped();
  record_.elapsed_ns = measurer_.now() - started_ns_;
  observer_.ended(record_);
  return record_;
}

KnobValues Study::with(const KnobValues& changes) const {
  KnobValues out = current_;
  for (const auto& [name, value] : changes) out[name] = value;
  return out;
}

const SequentialTest& Study::fresh_test(size_t blocks_max) {
  const auto found = tests_.find(blocks_max);
  if (found != tests_.end()) return found->second;
  SequentialDesign design;
  design.margin = record_.margin;
  design.looks = looks_until(blocks_max);
  return tests_.emplace(blocks_max, SequentialTest(design)).first->second;
}

// True when the comparison can go on.
Result<bool> Study::one_block(Trial& trial, const KnobValues& a, const KnobValues& b) {
  const u64 seed =
      derived_seed(record_.seed, fmt::format("trial {}", trial_index_), trial.blocks.size());
  auto block = measurer_.measure(a, b, seed);
  if (!block) return tl::unexpected(block.error());
  if (block->end == BlockEnd::interrupted) return false;
  if (block->end == BlockEnd::complete) budget_.block_took(block->elapsed_ns);
  trial.blocks.push_back(std::move(*block));
  trial.elapsed_ns += trial.blocks.back().elapsed_ns;
  observer_.block_done(trial_index_, trial, trial.blocks.back());
  if (bad_blocks(trial, BlockEnd::not_started) > 0) return false;
  const size_t mute = trial.blocks.size() - trial.gains().size();
  return bad_blocks(trial, BlockEnd::unsafe) < unsafe_blocks_believed && mute < mute_blocks_max;
}

Status Study::measure_blocks(Trial& trial, const KnobValues& a, const KnobValues& b, size_t blocks,
                             size_t blocks_after) {
  while (trial.gains().size() < blocks && !stopped()) {
    if (!trial.blocks.empty() && !budget_.fits(measurer_.now(), blocks_after)) break;
    auto go_on = one_block(trial, a, b);
    if (!go_on) return tl::unexpected(go_on.error());
    if (!*go_on) break;
  }
  return {};
}

Status Study::find_noise_floor() {
  Trial& noise = record_.noise;
  noise.phase = Phase::noise_floor;
  noise.knob = "baseline against itself";
  observer_.journal("run the baseline against itself to see the noise floor");
  observer_.trial_began(trial_index_, noise, plan_.questions.size());
  Status status = measure_blocks(noise, current_, current_, 1, 0);
  if (status && !stopped()) {
    status = measure_blocks(noise, current_, current_, budget_.noise_plan(measurer_.now()), 0);
  }
  if (!status) return status;
  if (stopped()) return {};
  for (const Block& block : noise.blocks) {
    if (block.end == BlockEnd::not_started) return fail(block.reason);
  }
  const std::vector<double> gains = noise.gains();
  if (gains.size() < 2) {
    return fail(
        "the baseline gave no measurement: no request was answered with success; see whether the "
        "URLs of the load exist and the application works");
  }
  noise.effect = paired_effect(gains);
  record_.floor = noise_floor(gains);
  if (record_.margin == 0)
    record_.margin = std::min(derived_margin_max, default_margin(record_.floor));
  noise.verdict = verdict_of(noise.effect.log_ci, record_.margin);

  std::vector<double> values;
  for (const Block& block : noise.blocks) {
    for (const ArmSample* sample : {&block.a, &block.b}) {
      record_.baseline_sample.merge(*sample);
      if (auto value = metric_value(record_.metric, *sample); value && *value > 0) {
        values.push_back(std::log(*value));
      }
    }
  }
  const PairedEffect level = paired_effect(values);
  record_.baseline_value = std::exp(level.log_mean);
  record_.baseline_ci = {std::exp(level.log_ci.lower), std::exp(level.log_ci.upper)};
  if (record_.floor.biased) {
    record_.notes.push_back(
        "The baseline differed from itself by more than chance explains (this happens in one of "
        "twenty studies anyway); read small effects with care.");
  }
  if (record_.floor.half_width > record_.margin) {
    record_.notes.push_back(
        fmt::format("The noise floor (±{:.1f} %) is wider than the margin of {:.1f} %: most "
                    "questions will stay "
                    "open. A longer budget, a quieter machine or a wider margin helps.",
                    record_.floor.half_width * 100, record_.margin * 100));
  }
  if (plan_.diagnose) plan_.diagnose(record_, plan_.questions);
  observer_.trial_ended(trial_index_, noise);
  observer_.floor_known(record_);
  ++trial_index_;
  return {};
}

Status Study::ask_questions() {
  for (size_t i = 0; i < plan_.questions.size() && !stopped(); ++i) {
    const Question& question = plan_.questions[i];
    // A change kept earlier may have made this question pointless.
    if (with(question.changes) == current_) continue;
    const size_t left = plan_.questions.size() - i;
    const size_t blocks = budget_.question_plan(measurer_.now(), left, kept_);
    if (blocks == 0) {
      note_time_out(question);
      continue;
    }
    if (auto status = ask(question, blocks, left - 1); !status) return status;
  }
  return {};
}

void Study::note_time_out(const Question& question) {
  Trial trial;
  trial.knob = question.knob;
  trial.from = join_values(current_, question.changes);
  trial.to = join_values(question.changes, question.changes);
  trial.why = question.why;
  trial.expect = question.expect;
  trial.changes = question.changes;
  trial.reason = "not asked: no time left in the budget";
  observer_.trial_began(trial_index_, trial, 0);
  observer_.trial_ended(trial_index_++, trial);
  record_.trials.push_back(std::move(trial));
}

Status Study::ask(const Question& question, size_t blocks_max, size_t left) {
  Trial trial;
  trial.phase = Phase::question;
  trial.knob = question.knob;
  trial.from = join_values(current_, question.changes);
  trial.to = join_values(question.changes, question.changes);
  trial.why = question.why;
  trial.expect = question.expect;
  trial.changes = question.changes;
  observer_.journal(fmt::format("try {} = {} instead of {}", trial.knob, trial.to, trial.from));
  const KnobValues changed = with(question.changes);
  const size_t after = Budget::reserved_blocks(kept_ + 1);
  if (auto status = compare(trial, current_, changed, blocks_max, after, left); !status) {
    return status;
  }
  if (stopped()) {
    trial.reason = "interrupted";
    trial.verdict = Verdict::inconclusive;
  } else if (trial.verdict == Verdict::better) {
    trial.kept = true;
    for (const Guard& guard : plan_.guards) {
      if (guard_holds(guard, trial.total_b())) continue;
      trial.kept = false;
      trial.reason = fmt::format("better, but it breaks the guard {}", guard.text);
    }
  }
  if (trial.kept) {
    ++kept_;
    current_ = changed;
    for (const auto& [name, value] : question.changes) {
      if (record_.baseline[name] == value) {
        record_.found.erase(name);
      } else {
        record_.found[name] = value;
      }
    }
    observer_.journal(
        fmt::format("keep {} = {}; it is part of the baseline from now on", trial.knob, trial.to));
  } else {
    observer_.journal(fmt::format("roll {} back to {}", trial.knob, trial.from));
  }
  observer_.trial_ended(trial_index_++, trial);
  record_.trials.push_back(std::move(trial));
  return {};
}

Status Study::compare(Trial& trial, const KnobValues& a, const KnobValues& b, size_t blocks_max,
                      size_t blocks_after, size_t questions_left) {
  observer_.trial_began(trial_index_, trial, questions_left);
  SequentialTest test = fresh_test(blocks_max);
  Decision decision;
  while (!decision.stop() && !stopped()) {
    const size_t target = test.next_look();
    if (auto status = measure_blocks(trial, a, b, target, blocks_after); !status) return status;
    const std::vector<double> gains = trial.gains();
    if (gains.size() < target) {
      // Time is over, or arm B was stopped: one honest look at what there is.
      decision = test.last_look(gains);
      break;
    }
    decision = test.look(gains);
  }
  settle(trial, decision);
  return {};
}

void Study::settle(Trial& trial, const Decision& decision) {
  const std::vector<double> gains = trial.gains();
  trial.effect = decision.effect.blocks == gains.size() ? decision.effect : paired_effect(gains);
  trial.verdict = decision.verdict;
  const bool not_started = bad_blocks(trial, BlockEnd::not_started) > 0;
  if (not_started || bad_blocks(trial, BlockEnd::unsafe) >= unsafe_blocks_believed) {
    trial.verdict = Verdict::worse;
    trial.reason = trial.blocks.back().reason;
    return;
  }
  if (trial.verdict != Verdict::inconclusive &&
      !typical_block_agrees(gains, trial.verdict, record_.margin)) {
    trial.verdict = Verdict::inconclusive;
    trial.reason = "a few outlying blocks carry the result";
    return;
  }
  switch (trial.verdict) {
    case Verdict::better:
      trial.reason = "the whole interval lies above the margin";
      break;
    case Verdict::worse:
      trial.reason = "the whole interval lies below the margin";
      break;
    case Verdict::equivalent:
      trial.reason = "the whole interval lies within the margin";
      break;
    case Verdict::inconclusive:
      trial.reason = decision.look == Look::given_up
                         ? "given up: more blocks would hardly have settled it"
                         : "too noisy to tell in the time it had";
      break;
  }
}

Status Study::leave_out_each() {
  // Kept questions whose change is still part of the result, the last word on each knob.
  std::vector<const Trial*> kept;
  for (const Trial& trial : record_.trials) {
    if (!trial.kept) continue;
    std::erase_if(kept, [&](const Trial* earlier) { return earlier->knob == trial.knob; });
    kept.push_back(&trial);
  }
  for (size_t i = 0; i < kept.size() && !stopped(); ++i) {
    Trial trial;
    trial.phase = Phase::ablation;
    trial.knob = kept[i]->knob;
    for (const auto& [name, value] : kept[i]->changes) trial.changes[name] = record_.baseline[name];
    trial.from = join_values(current_, trial.changes);
    trial.to = join_values(trial.changes, trial.changes);
    const KnobValues without = with(trial.changes);
    if (without == current_) continue;
    const size_t blocks = budget_.ablation_plan(measurer_.now(), kept.size() - i);
    observer_.journal(fmt::format("leave {} = {} out of the result again", trial.knob, trial.from));
    if (blocks == 0) {
      trial.reason = "not asked: no time left in the budget";
      observer_.trial_began(trial_index_, trial, 0);
    } else {
      const size_t after = Budget::confirmation_blocks_min;
      if (auto status = compare(trial, current_, without, blocks, after, 0); !status) return status;
    }
    if (trial.verdict == Verdict::equivalent || trial.verdict == Verdict::better) {
      trial.kept = true;
      current_ = without;
      for (const auto& [name, value] : trial.changes) record_.found.erase(name);
      observer_.journal(fmt::format("drop {}: the result is as good without it", trial.knob));
    }
    observer_.trial_ended(trial_index_++, trial);
    record_.ablation.push_back(std::move(trial));
  }
  return {};
}

Status Study::confirm() {
  Trial trial;
  trial.phase = Phase::confirmation;
  trial.knob = "everything found against the original";
  trial.changes = record_.found;
  trial.from = join_values(record_.baseline, record_.found);
  trial.to = join_values(record_.found, record_.found);
  const size_t blocks = budget_.confirmation_plan(measurer_.now());
  observer_.journal("confirm what was found on fresh restarts");
  observer_.trial_began(trial_index_, trial, 0);
  if (blocks >= Budget::blocks_min) {
    const Status status = measure_blocks(trial, record_.baseline, current_, blocks, 0);
    if (!status) return status;
  }
  const std::vector<double> gains = trial.gains();
  trial.effect = paired_effect(gains);
  trial.verdict = gains.size() < Budget::blocks_min
                      ? Verdict::inconclusive
                      : verdict_of(trial.effect.log_ci, record_.margin);
  record_.confirmed = gains.size() >= Budget::blocks_min && trial.effect.log_ci.lower > 0 &&
                      robust_effect(gains).log_median > 0 &&
                      bad_blocks(trial, BlockEnd::complete) == trial.blocks.size();
  trial.kept = record_.confirmed;
  trial.reason = record_.confirmed ? "the improvement was seen again on fresh restarts"
                 : gains.size() < Budget::blocks_min
                     ? "no time left to confirm it, so nothing is recommended"
                     : "the improvement was not seen again, so nothing is recommended";
  observer_.trial_ended(trial_index_++, trial);
  record_.confirmation = std::move(trial);
  return {};
}

}  // namespace labcoat
