#include "lab/study.h"

#include <cmath>
#include <functional>
#include <gtest/gtest.h>

#include "stats/random.h"

namespace labcoat {
namespace {

// A server whose truth is known: `speed` is the logarithm of a configuration's rate. Blocks take
// three simulated seconds and are off by normal noise.
class SimulatedMeasurer : public Measurer {
 public:
  SimulatedMeasurer(std::function<double(const KnobValues&)> speed, double noise, u64 seed)
      : speed_(std::move(speed)), noise_(noise), random_(seed) {}

  Result<Block> measure(const KnobValues& a, const KnobValues& b, u64 seed) override {
    Block block;
    block.seed = seed;
    block.elapsed_ns = 3 * seconds;
    now_ += block.elapsed_ns;
    ++blocks;
    if (on_block) on_block();
    block.a = sample(std::exp(speed_(a)));
    if (b.count("broken") != 0 && b.at("broken") == "yes") {
      block.end = BlockEnd::not_started;
      block.reason = "it does not start";
      return block;
    }
    block.b = sample(std::exp(speed_(b)));
    block.log_gain = speed_(b) - speed_(a) + noise_ * normal();
    return block;
  }
  i64 now() const override { return now_; }

  size_t blocks = 0;
  std::function<void()> on_block;

 private:
  static ArmSample sample(double rate) {
    ArmSample out;
    out.ok = static_cast<u64>(1000 * rate);
    out.busy_ns = 1 * seconds;
    out.latency = {.count = out.ok, .mean = 1000 / rate};
    return out;
  }
  double normal() {
    return std::sqrt(-2 * std::log(1 - random_.uniform())) *
           std::cos(6.283185307 * random_.uniform());
  }

  std::function<double(const KnobValues&)> speed_;
  double noise_;
  Random random_;
  i64 now_ = 0;
};

Observer silent;
const std::atomic<bool> never{false};

StudyPlan plan_of(const std::vector<std::string>& knobs, u64 seed) {
  StudyPlan plan;
  plan.record.metric = *find_metric("rps");
  plan.record.budget_ns = 600 * seconds;
  plan.record.seed = seed;
  for (const std::string& knob : knobs) {
    plan.record.baseline[knob] = "off";
    plan.questions.push_back({knob, "why", "up", {{knob, "on"}}});
  }
  return plan;
}

bool on(const KnobValues& values, const std::string& knob) {
  const auto found = values.find(knob);
  return found != values.end() && found->second == "on";
}

std::vector<std::string> many(const std::string& stem, int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back(stem + std::to_string(i));
  return out;
}

TEST(Study, keeps_what_helps_and_rolls_back_what_harms) {
  SimulatedMeasurer measurer(
      [](const KnobValues& v) { return 0.2 * on(v, "good") - 0.2 * on(v, "bad"); }, 0.01, 1);
  Study study(plan_of({"good", "bad", "inert"}, 1), measurer, silent, never);
  const auto record = study.run();
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_EQ(record->recommended, (KnobValues{{"good", "on"}}));
  EXPECT_TRUE(record->confirmed);
  EXPECT_EQ(record->trials.at(0).verdict, Verdict::better);
  EXPECT_EQ(record->trials.at(1).verdict, Verdict::worse);
  EXPECT_EQ(record->trials.at(2).verdict, Verdict::equivalent);
  EXPECT_NEAR(record->confirmation->effect.log_mean, 0.2, 0.03);
}

// The acceptance test of the laboratory's honesty: nothing is found where there is nothing.
TEST(Study, keeps_none_of_twenty_inert_knobs_in_95_percent_of_studies) {
  constexpr int studies = 100;
  int fooled = 0;
  for (u64 seed = 1; seed <= studies; ++seed) {
    SimulatedMeasurer measurer([](const KnobValues&) { return 0.0; }, 0.03, seed);
    const auto record = Study(plan_of(many("inert", 20), seed), measurer, silent, never).run();
    ASSERT_TRUE(record) << record.error().text;
    fooled += !record->recommended.empty();
  }
  EXPECT_LE(fooled, studies / 20) << "of " << studies << " studies, seeds 1 to " << studies;
}

// Each of the two helps alone, but the second already holds what the first brought: together they
// are worse than one.
TEST(Study, drops_the_superfluous_half_of_an_antagonistic_pair) {
  int right = 0;
  constexpr int studies = 40;
  for (u64 seed = 1; seed <= studies; ++seed) {
    SimulatedMeasurer measurer(
        [](const KnobValues& v) {
          const bool first = on(v, "first");
          const bool second = on(v, "second");
          const double pair = first && second ? 0.35 : second ? 0.40 : first ? 0.10 : 0.0;
          return pair + 0.15 * on(v, "helpful");
        },
        0.01, seed);
    const auto record =
        Study(plan_of({"first", "second", "helpful"}, seed), measurer, silent, never).run();
    ASSERT_TRUE(record) << record.error().text;
    right += record->recommended == KnobValues{{"second", "on"}, {"helpful", "on"}};
  }
  EXPECT_GE(right, studies * 9 / 10) << "of " << studies << " studies, seeds 1 to " << studies;
}

TEST(Study, ends_within_its_budget_and_says_what_it_had_no_time_for) {
  StudyPlan plan = plan_of(many("k", 30), 5);
  plan.record.budget_ns = 120 * seconds;
  SimulatedMeasurer measurer([](const KnobValues& v) { return 0.1 * on(v, "k0"); }, 0.02, 5);
  const auto record = Study(plan, measurer, silent, never).run();
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_LE(record->elapsed_ns, plan.record.budget_ns);
  EXPECT_EQ(record->trials.size(), 30u);
  EXPECT_EQ(record->trials.back().verdict, Verdict::inconclusive);
  EXPECT_NE(record->trials.back().reason.find("no time left"), std::string::npos);
  EXPECT_TRUE(record->confirmed);
}

TEST(Study, goes_on_when_a_configuration_does_not_start) {
  StudyPlan plan = plan_of({"good"}, 2);
  plan.record.baseline["broken"] = "no";
  plan.questions.insert(plan.questions.begin(), {"broken", "why", "", {{"broken", "yes"}}});
  SimulatedMeasurer measurer([](const KnobValues& v) { return 0.2 * on(v, "good"); }, 0.01, 2);
  const auto record = Study(plan, measurer, silent, never).run();
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_EQ(record->trials.at(0).verdict, Verdict::worse);
  EXPECT_EQ(record->trials.at(0).reason, "it does not start");
  EXPECT_EQ(record->recommended, (KnobValues{{"good", "on"}}));
}

// One block of twelve went wrong by chance: the other eleven still tell.
TEST(Study, is_not_misled_by_one_wild_block_against_a_clear_effect) {
  int found = 0;
  for (u64 seed = 1; seed <= 20; ++seed) {
    class OneWild : public SimulatedMeasurer {
     public:
      using SimulatedMeasurer::SimulatedMeasurer;
      Result<Block> measure(const KnobValues& a, const KnobValues& b, u64 block_seed) override {
        auto block = SimulatedMeasurer::measure(a, b, block_seed);
        if (blocks == 8) block->log_gain = -0.01;
        return block;
      }
    } measurer([](const KnobValues& v) { return 0.4 * on(v, "good"); }, 0.01, seed);
    const auto record = Study(plan_of({"good"}, seed), measurer, silent, never).run();
    ASSERT_TRUE(record) << record.error().text;
    found += record->confirmed;
  }
  EXPECT_EQ(found, 20) << "of 20 studies, seeds 1 to 20";
}

TEST(Study, does_not_keep_what_breaks_a_guard) {
  StudyPlan plan = plan_of({"good"}, 2);
  plan.guards = {*parse_guard("rps<1100")};
  SimulatedMeasurer measurer([](const KnobValues& v) { return 0.2 * on(v, "good"); }, 0.01, 2);
  const auto record = Study(plan, measurer, silent, never).run();
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_EQ(record->trials.at(0).verdict, Verdict::better);
  EXPECT_FALSE(record->trials.at(0).kept);
  EXPECT_TRUE(record->recommended.empty());
}

TEST(Study, cannot_tell_when_the_noise_hides_everything) {
  StudyPlan plan = plan_of(many("k", 5), 3);
  plan.record.margin = 0.03;
  plan.record.margin_chosen = true;
  SimulatedMeasurer measurer([](const KnobValues&) { return 0.0; }, 0.5, 3);
  const auto record = Study(plan, measurer, silent, never).run();
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_TRUE(record->cannot_tell());
  EXPECT_FALSE(record->notes.empty());
}

TEST(Study, stops_at_once_when_told_and_recommends_nothing) {
  std::atomic<bool> stop{false};
  SimulatedMeasurer measurer([](const KnobValues& v) { return 0.2 * on(v, "good"); }, 0.01, 1);
  measurer.on_block = [&] { stop = measurer.blocks == 15; };
  const auto record = Study(plan_of({"good", "other"}, 1), measurer, silent, stop).run();
  ASSERT_TRUE(record) << record.error().text;
  EXPECT_TRUE(record->interrupted);
  EXPECT_TRUE(record->recommended.empty());
  EXPECT_EQ(measurer.blocks, 15u);
}

TEST(Study, says_that_a_baseline_without_answers_is_no_baseline) {
  class Mute : public SimulatedMeasurer {
   public:
    using SimulatedMeasurer::SimulatedMeasurer;
    Result<Block> measure(const KnobValues& a, const KnobValues& b, u64 seed) override {
      auto block = SimulatedMeasurer::measure(a, b, seed);
      block->log_gain.reset();
      return block;
    }
  } measurer([](const KnobValues&) { return 0.0; }, 0.01, 1);
  const auto record = Study(plan_of({"good"}, 1), measurer, silent, never).run();
  ASSERT_FALSE(record);
  EXPECT_NE(record.error().text.find("no request was answered"), std::string::npos);
  EXPECT_LT(measurer.blocks, 50u);
}

}  // namespace
}  // namespace labcoat
