#include "base/option.h"

#include <gtest/gtest.h>

namespace labcoat {
namespace {

constexpr Option workers = {.name = "workers",
                            .section = "app",
                            .type = OptionType::integer,
                            .default_value = "auto",
                            .min = 1,
                            .max = 64,
                            .choices = "auto auto/2"};
constexpr Option body = {.name = "body",
                         .section = "limits",
                         .type = OptionType::size,
                         .default_value = "1GiB",
                         .min = 1024,
                         .max = 1 << 30};
constexpr Option wait = {.name = "wait",
                         .section = "limits",
                         .type = OptionType::duration,
                         .default_value = "1s",
                         .min = 1e6,
                         .max = 3600e9};
constexpr Option gc = {.name = "gc",
                       .section = "app",
                       .type = OptionType::choice,
                       .default_value = "default",
                       .choices = "default freeze off"};
constexpr Option sync = {
    .name = "sync", .section = "server", .type = OptionType::boolean, .default_value = "off"};

TEST(Option, says_what_may_be_written) {
  EXPECT_EQ(describe_values(workers), "a whole number from 1 to 64, or auto or auto/2");
  EXPECT_EQ(describe_values(body), "a size from 1KiB to 1GiB");
  EXPECT_EQ(describe_values(wait), "a duration from 1ms to 1h");
  EXPECT_EQ(describe_values(gc), "default, freeze or off");
  EXPECT_EQ(describe_values(sync), "on or off");
}

TEST(Option, takes_values_within_bounds_and_special_words) {
  struct Case {
    const Option& option;
    const char* value;
  };
  for (const Case& c : {Case{workers, "1"},
                        {workers, "64"},
                        {workers, "auto/2"},
                        {body, "1GiB"},
                        {body, "2048"},
                        {wait, "250ms"},
                        {gc, "off"},
                        {sync, "true"}}) {
    EXPECT_TRUE(check_option_value(c.option, c.value)) << c.option.name << " = " << c.value;
  }
}

TEST(Option, refuses_with_what_was_expected) {
  struct Case {
    const Option& option;
    const char* value;
    const char* text;
  };
  const Case cases[] = {
      {workers, "0", "'0' is not a whole number from 1 to 64, or auto or auto/2"},
      {workers, "aut", "did you mean 'auto'?"},
      {workers, "2.5", "'2.5' is not a whole number"},
      {body, "1000", "'1000' is not a size from 1KiB to 1GiB"},
      {wait, "5 parsecs", "'5 parsecs' is not a duration from 1ms to 1h"},
      {gc, "freezed", "did you mean 'freeze'?"},
      {gc, "", "'' is not default, freeze or off"},
      {sync, "maybe", "'maybe' is not on or off"},
  };
  for (const Case& c : cases) {
    const Status status = check_option_value(c.option, c.value);
    ASSERT_FALSE(status) << c.option.name << " = " << c.value;
    EXPECT_NE(status.error().text.find(c.text), std::string::npos) << status.error().text;
  }
}

}  // namespace
}  // namespace labcoat
