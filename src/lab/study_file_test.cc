#include "lab/study_file.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat {
namespace {

class StudyFile : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "labcoat-study-" + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(write_file(folder_ + "/labcoat.toml", ""));
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Result<StudyRequest> read(const std::string& text) {
    EXPECT_TRUE(write_file(folder_ + "/study.toml", text));
    return read_study_file(folder_ + "/study.toml");
  }
  std::string folder_;
};

constexpr const char* whole_study = R"([study]
app = "labcoat.toml"
minimize = "p99"
guard = ["errors == 0", "rps>100"]
margin = "5%"
budget = "2m"
seed = 7
knobs = ["workers"]
[load]
connections = 8
rate = 200
[[load.url]]
path = "/a"
weight = 3
[[load.url]]
path = "/b"
body = "x=1"
headers = { Accept = "text/html" }
)";

TEST_F(StudyFile, reads_a_whole_study) {
  const auto study = read(whole_study);
  ASSERT_TRUE(study) << study.error().text;
  EXPECT_EQ(study->config, folder_ + "/labcoat.toml");
  EXPECT_EQ(study->directory, folder_);
  EXPECT_EQ(study->metric, "p99");
  EXPECT_EQ(study->guards.size(), 2u);
  EXPECT_DOUBLE_EQ(study->margin, 0.05);
  EXPECT_EQ(study->budget_ns, 120 * seconds);
  EXPECT_EQ(study->load.urls.at(1).method, "POST");
  EXPECT_EQ(study->load.urls.at(1).headers.at(0).second, "text/html");
}

TEST_F(StudyFile, says_where_and_what_is_wrong) {
  struct Wrong {
    const char* replace;
    const char* by;
    const char* expected;
  };
  const Wrong cases[] = {
      {"budget =", "bugdet =",
       "study.toml:6: bugdet is not a key of [study]; did you mean 'budget'?"},
      {"\"2m\"", "\"soon\"", "study.toml:6: "},
      {"\"2m\"", "\"1s\"", "at least"},
      {"\"5%\"", "\"80%\"", "study.toml:5: the margin is 80%"},
      {"\"p99\"", "\"p98\"", "study.toml:3: there is no metric 'p98'"},
      {"\"p99\"", "\"rps\"", "study.toml:3: rps is better when it is high"},
      {"errors == 0", "errors is 0", "study.toml:4: 'errors is 0' is no guard"},
      {"labcoat.toml", "other.toml", "study.toml:2: there is no file"},
      {"\"labcoat.toml\"", "\"notes\"", "study.toml:2: 'notes' is no application"},
      {"weight = 3", "weight = 0", "study.toml:14: 'weight' must be above 0"},
      {"weight = 3", "wieght = 3", "study.toml:14: wieght is not a key of [[load.url]]"},
      {"\"/a\"", "\"a\"", "study.toml:13: 'path' must begin with '/'"},
      {"connections = 8", "connections = 0", "study.toml:10: 'connections' must be from 1"},
      {"[load]", "[laod]", "laod is not a key here; did you mean 'load'?"},
      {"seed = 7", "seed = ", "study.toml:7: "},
  };
  for (const Wrong& one : cases) {
    std::string text = whole_study;
    // "[load]" also stands for [[load.url]]: a mistyped table must not leave those behind.
    if (std::string_view(one.replace) == "[load]") text.resize(text.find("[[load.url]]"));
    text.replace(text.find(one.replace), std::string_view(one.replace).size(), one.by);
    const auto study = read(text);
    ASSERT_FALSE(study) << one.by;
    EXPECT_NE(study.error().text.find(one.expected), std::string::npos)
        << one.by << "\n  said: " << study.error().text << "\n  expected: " << one.expected;
  }
}

}  // namespace
}  // namespace labcoat
