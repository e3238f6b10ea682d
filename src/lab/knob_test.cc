#include "lab/knob.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

using Words = std::vector<std::string>;

TEST(Knob, tries_special_values_as_levels_of_their_own) {
  Knob knob;
  knob.type = KnobType::integer;
  knob.special = {"auto", "0"};
  knob.min = 1;
  knob.max = 64;
  knob.log_scale = true;
  EXPECT_EQ(levels_to_try(knob, "4"), (Words{"auto", "0", "8", "2"}));
}

TEST(Knob, steps_by_an_eighth_of_a_linear_range_and_stays_inside) {
  Knob knob;
  knob.type = KnobType::integer;
  knob.min = 0;
  knob.max = 80;
  EXPECT_EQ(levels_to_try(knob, "75"), (Words{"80", "65"}));
}

TEST(Knob, tries_the_other_choices_only) {
  Knob knob;
  knob.choices = {"glibc", "jemalloc", "mimalloc"};
  EXPECT_EQ(levels_to_try(knob, "jemalloc"), (Words{"glibc", "mimalloc"}));
}

TEST(Knob, knows_two_ways_to_write_one_value) {
  Knob knob;
  knob.type = KnobType::boolean;
  EXPECT_TRUE(same_value(knob, "on", "true"));
  EXPECT_EQ(levels_to_try(knob, "true"), (Words{"off"}));
  knob.type = KnobType::size;
  EXPECT_TRUE(same_value(knob, "64K", "65536"));
  EXPECT_FALSE(same_value(knob, "64K", "64000"));
}

TEST(Knob, takes_explicit_levels_before_anything_else) {
  Knob knob;
  knob.type = KnobType::integer;
  knob.levels = {"2", "4"};
  knob.special = {"auto"};
  EXPECT_EQ(levels_to_try(knob, "2"), (Words{"4"}));
}

TEST(Knob, comes_from_an_option_with_levels_only) {
  const Option options[] = {
      {.name = "listen", .section = "server", .type = OptionType::text, .default_value = "x"},
      {.name = "spin",
       .section = "app",
       .type = OptionType::duration,
       .default_value = "0s",
       .min = 0,
       .max = 0.01 * 1e9,
       .levels = "20us 100us",
       .why = "w",
       .risk = "memory"}};
  const std::vector<Knob> knobs = knobs_of_options(options);
  ASSERT_EQ(knobs.size(), 1u);
  EXPECT_EQ(knobs[0].levels, (Words{"20us", "100us"}));
  EXPECT_DOUBLE_EQ(knobs[0].max, 0.01);
  EXPECT_EQ(knobs[0].risk, KnobRisk::memory);
}

TEST(Knob, moves_durability_and_security_only_when_named) {
  Knob knob;
  EXPECT_FALSE(needs_naming(knob));
  knob.risk = KnobRisk::durability;
  EXPECT_TRUE(needs_naming(knob));
}

}  // namespace
}  // namespace labcoat
