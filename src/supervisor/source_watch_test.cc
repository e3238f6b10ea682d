#include "supervisor/source_watch.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <limits>
#include <vector>

#include "base/text.h"

namespace labcoat::supervisor {
namespace {

namespace fs = std::filesystem;

class SourceWatchTest : public testing::Test {
 protected:
  SourceWatchTest() : loop_(std::move(*net::Loop::create())) {
    std::string pattern = (fs::temp_directory_path() / "labcoat-watch-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    for (const char* name : {"shop", ".git", "__pycache__", "venv"}) {
      fs::create_directories(directory_ + "/" + name);
    }
    write("venv/pyvenv.cfg");
    write("shop/views.py");
    auto watch = SourceWatch::open(*loop_, directory_,
                                   [this](const std::string& path) { changes_.push_back(path); });
    EXPECT_TRUE(watch) << watch.error().text;
    watch_ = std::move(*watch);
  }
  ~SourceWatchTest() override { fs::remove_all(directory_); }

  void write(const std::string& name) {
    ASSERT_TRUE(write_file(directory_ + "/" + name, "x = 1\n")) << name;
  }
  // Everything that inotify has to say by now, as if the quiet time had passed.
  std::vector<std::string> changes() {
    while (loop_->run_once(0) > 0) {
    }
    watch_->expire(now_ns() + SourceWatch::quiet_ns);
    return std::exchange(changes_, {});
  }

  std::unique_ptr<net::Loop> loop_;
  std::string directory_;
  std::unique_ptr<SourceWatch> watch_;
  std::vector<std::string> changes_;
};

TEST_F(SourceWatchTest, says_nothing_of_what_was_there) {
  EXPECT_TRUE(changes().empty());
  EXPECT_EQ(watch_->due(), std::numeric_limits<i64>::max());
}

TEST_F(SourceWatchTest, tells_of_files_written_moved_and_removed) {
  write("shop/views.py");
  EXPECT_EQ(changes(), std::vector{directory_ + "/shop/views.py"});
  fs::rename(directory_ + "/shop/views.py", directory_ + "/shop/pages.py");
  EXPECT_EQ(changes(), std::vector{directory_ + "/shop/pages.py"});
  fs::remove(directory_ + "/shop/pages.py");
  EXPECT_EQ(changes(), std::vector{directory_ + "/shop/pages.py"});
}

TEST_F(SourceWatchTest, tells_of_many_changes_once_and_when_they_are_over) {
  for (int i = 0; i < 50; ++i) write("shop/m" + std::to_string(i) + ".py");
  while (loop_->run_once(0) > 0) {
  }
  watch_->expire(watch_->due() - 1);
  EXPECT_TRUE(changes_.empty());
  EXPECT_EQ(changes(), std::vector{directory_ + "/shop/m49.py"});
  EXPECT_TRUE(changes().empty());
}

TEST_F(SourceWatchTest, follows_into_new_directories) {
  fs::create_directories(directory_ + "/shop/api/v2");
  write("shop/api/v2/early.py");
  EXPECT_EQ(changes(), std::vector{directory_ + "/shop/api/v2/early.py"});
  write("shop/api/v2/late.py");
  EXPECT_EQ(changes(), std::vector{directory_ + "/shop/api/v2/late.py"});
  fs::remove_all(directory_ + "/shop/api");
  EXPECT_EQ(changes().size(), 1u);
}

TEST_F(SourceWatchTest, is_blind_to_what_is_no_source_of_the_app) {
  write("notes.txt");
  write("shop/data.json");
  write(".git/hook.py");
  write("__pycache__/views.py");
  write("venv/module.py");
  EXPECT_TRUE(changes().empty());
}

}  // namespace
}  // namespace labcoat::supervisor
