#include "lab/question.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

Knob choice(const std::string& name, std::vector<std::string> choices) {
  Knob knob;
  knob.name = name;
  knob.default_value = choices.front();
  knob.choices = std::move(choices);
  return knob;
}

TEST(Question, moves_knobs_of_one_group_together) {
  Knob kind = choice("kind", {"sync", "threads"});
  Knob count = choice("count", {"1", "8"});
  kind.group = count.group = "pool";
  const auto questions = plan_questions({kind, count, choice("other", {"a", "b"})}, {}, {},
                                        {{"kind", "sync"}, {"count", "1"}});
  ASSERT_EQ(questions.size(), 2u);
  EXPECT_EQ(questions[0].knob, "count+kind");
  EXPECT_EQ(questions[0].changes, (KnobValues{{"kind", "threads"}, {"count", "8"}}));
}

TEST(Question, brings_along_the_knob_without_which_it_means_nothing) {
  const std::vector<Knob> knobs = {choice("log", {"off", "file"}),
                                   choice("log_sync", {"off", "on"})};
  const std::vector<Need> needs = {{"log_sync", "log", "file"}};
  const auto off = plan_questions({knobs[1]}, knobs, needs, {{"log", "off"}, {"log_sync", "off"}});
  EXPECT_EQ(off[0].changes, (KnobValues{{"log", "file"}, {"log_sync", "on"}}));
  EXPECT_EQ(off[0].knob, "log+log_sync");
  const auto on = plan_questions({knobs[1]}, knobs, needs, {{"log", "file"}, {"log_sync", "off"}});
  EXPECT_EQ(on[0].changes, (KnobValues{{"log_sync", "on"}}));
}

TEST(Question, asks_first_what_the_bottleneck_calls_for) {
  std::vector<Question> questions = {{"a", "", "", {{"a", "1"}}},
                                     {"b", "", "", {{"b", "1"}}},
                                     {"c", "", "", {{"c", "1"}}},
                                     {"b", "", "", {{"b", "2"}}}};
  order_questions(questions, {"c", "b"});
  EXPECT_EQ(questions[0].knob, "c");
  EXPECT_EQ(questions[1].changes.at("b"), "1");
  EXPECT_EQ(questions[2].changes.at("b"), "2");
  EXPECT_EQ(questions[3].knob, "a");
}

TEST(Question, tells_waiting_from_computing_and_failing) {
  EXPECT_EQ(diagnose(1.5, 0.4, 0, 2, 0).bottleneck, Bottleneck::cpu);
  EXPECT_EQ(diagnose(0.8, 0.1, 1.0, 2, 0).bottleneck, Bottleneck::cpu);
  EXPECT_EQ(diagnose(0.3, 0.1, 0, 2, 0).bottleneck, Bottleneck::waiting);
  EXPECT_EQ(diagnose(0.3, 0.1, 0, 2, 0.2).bottleneck, Bottleneck::failing);
}

TEST(Question, is_refused_when_it_needs_more_memory_than_there_is) {
  Knob workers;
  workers.name = "workers";
  workers.type = KnobType::integer;
  workers.default_value = "auto";
  workers.risk = KnobRisk::memory;
  const LevelLimit limit{.memory_bytes = 1000, .baseline_bytes = 300, .cpus = 2};
  const KnobValues baseline = {{"workers", "auto"}};
  EXPECT_EQ(
      unsafe_by_size({"workers", "", "", {{"workers", "auto*2"}}}, {workers}, baseline, limit), "");
  EXPECT_NE(unsafe_by_size({"workers", "", "", {{"workers", "8"}}}, {workers}, baseline, limit),
            "");
}

TEST(Question, is_about_named_knobs_only_when_some_are_named) {
  Knob fsync = choice("fsync", {"on", "off"});
  fsync.risk = KnobRisk::durability;
  const std::vector<Knob> knobs = {choice("a", {"1", "2"}), fsync};
  EXPECT_EQ(choose_knobs(knobs, {})->size(), 1u);
  EXPECT_EQ(choose_knobs(knobs, {"fsync"})->at(0).name, "fsync");
  const auto typo = choose_knobs(knobs, {"fsnyc"});
  ASSERT_FALSE(typo);
  EXPECT_NE(typo.error().text.find("'fsync'"), std::string::npos) << typo.error().text;
}

TEST(Question, reads_levels_that_count_cpus) {
  EXPECT_EQ(number_of_level("auto*2", 2), 4);
  EXPECT_EQ(number_of_level("auto/2", 2), 1);
  EXPECT_EQ(number_of_level("7", 2), 7);
}

}  // namespace
}  // namespace labcoat
