#include "lab/target.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat {
namespace {

class TargetFolder : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "labcoat-target-" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Result<Target> read(const std::string& text) {
    EXPECT_TRUE(write_file(folder_ + "/target.toml", text));
    return read_target(folder_, {});
  }

  std::string folder_;
};

constexpr const char* whole_target = R"(
name = "x"
start = ["server", "-p", "{port}", ["-c", "{config}"], ["--set", "{name}={value}"]]
ready = { http = "/", timeout = "2s" }
[[knob]]
name = "workers"
type = "int"
default = 2
min = 1
max = 64
why = "Because."
)";

TEST_F(TargetFolder, reads_a_whole_target) {
  const auto target = read(whole_target);
  ASSERT_TRUE(target) << target.error().text;
  EXPECT_EQ(target->name, "x");
  EXPECT_EQ(target->ready.timeout_ns, 2 * seconds);
  EXPECT_EQ(target->knobs.at(0).default_value, "2");
}

TEST_F(TargetFolder, fills_a_command_line) {
  const auto target = read(whole_target);
  ASSERT_TRUE(target) << target.error().text;
  EXPECT_EQ(fill_argv(target->start, {{"port", "80"}, {"config", ""}}, {}),
            (std::vector<std::string>{"server", "-p", "80"}));
  EXPECT_EQ(
      fill_argv(target->start, {{"port", "80"}, {"config", "f"}}, {{"a", "1"}, {"b", "2"}}),
      (std::vector<std::string>{"server", "-p", "80", "-c", "f", "--set", "a=1", "--set", "b=2"}));
}

TEST_F(TargetFolder, leaves_braces_of_a_configuration_file_alone) {
  EXPECT_EQ(fill_text("events {} server { listen {port}; } {Port} {x", {{"port", "80"}}),
            "events {} server { listen 80; } {Port} {x");
}

struct Wrong {
  const char* replace;
  const char* by;
  const char* expected;  // part of the message
};

TEST_F(TargetFolder, says_where_and_what_is_wrong) {
  const Wrong cases[] = {
      {"start =", "strat =", ":3: strat is not a key here; did you mean 'start'?"},
      {"name = \"x\"", "", "a target needs a name"},
      {"{port}", "{prot}", "nothing fills {prot}; did you mean {port}?"},
      {"type = \"int\"", "type = \"integer\"",
       ":7: 'type' is 'integer', but must be one of int, real"},
      {"default = 2", "", "a [[knob]] needs a default"},
      {"why = \"Because.\"", "", "needs its 'why'"},
      {"http = \"/\"", "htpp = \"/\"", "htpp is not a key of 'ready'; did you mean 'http'?"},
      {"\"2s\"", "\"soon\"", "'timeout' of 'ready'"},
      {"ready = {", "stop = \"KILLL\"\nready = {", "must be a signal"},
      {"max = 64", "max = 64\nrisk = \"some\"", "'risk' is 'some'"},
      {"max = 64", "max = ", "target.toml:"},
      {"max = 64", "max = 64\nlevels = [100]", "level 100 is outside 1 to 64 of knob 'workers'"},
      {"max = 64", "max = 64\nmni = 3", ":11: mni is not a key of [[knob]]; did you mean 'min'?"},
  };
  for (const Wrong& one : cases) {
    std::string text = whole_target;
    text.replace(text.find(one.replace), std::string_view(one.replace).size(), one.by);
    const auto target = read(text);
    ASSERT_FALSE(target) << one.by;
    EXPECT_NE(target.error().text.find(one.expected), std::string::npos)
        << one.by << "\n  said: " << target.error().text << "\n  expected: " << one.expected;
  }
}

TEST_F(TargetFolder, is_refused_without_a_template_it_names) {
  const auto target = read(std::string("[[file]]\npath = \"a\"\ntemplate = \"none.in\"\n") + "");
  ASSERT_FALSE(target);
  EXPECT_NE(target.error().text.find("none.in"), std::string::npos) << target.error().text;
}

}  // namespace
}  // namespace labcoat
