#include "supervisor/cgroup_memory.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat::supervisor {
namespace {

namespace fs = std::filesystem;

// A file system with nothing in it but cgroups.
class CgroupMemoryTest : public testing::Test {
 protected:
  CgroupMemoryTest() {
    char path[] = "/tmp/cgroup_memory_XXXXXX";
    root_ = mkdtemp(path);
    write("proc/self/cgroup", "4:memory:/old\n0::/shop.slice/web.service\n");
  }
  ~CgroupMemoryTest() override { fs::remove_all(root_); }
  void write(const std::string& name, const std::string& text) {
    fs::create_directories((root_ / name).parent_path());
    EXPECT_TRUE(write_file((root_ / name).string(), text));
  }
  void group(const std::string& name, const std::string& max, i64 current, i64 inactive_file = 0) {
    const std::string at = "sys/fs/cgroup/" + name;
    write(at + "/memory.max", max + "\n");
    write(at + "/memory.current", std::to_string(current) + "\n");
    stat(name, "anon 5\ninactive_file " + std::to_string(inactive_file) + "\n");
  }
  void stat(const std::string& name, const std::string& text) {
    write("sys/fs/cgroup/" + name + "/memory.stat", text);
  }
  CgroupMemory open() const { return CgroupMemory(root_.string()); }

  fs::path root_;
};

TEST_F(CgroupMemoryTest, without_cgroups_there_is_no_limit_and_always_room) {
  fs::remove_all(root_ / "proc");
  EXPECT_FALSE(open().fullest());
  EXPECT_TRUE(open().has_room(i64{1} << 60));
}

TEST_F(CgroupMemoryTest, max_is_no_limit) {
  group("shop.slice/web.service", "max", 1000);
  EXPECT_FALSE(open().fullest());
  EXPECT_TRUE(open().has_room(i64{1} << 60));
}

TEST_F(CgroupMemoryTest, what_the_kernel_would_drop_first_is_not_taken) {
  group("shop.slice/web.service", "1000", 900, 300);
  const auto use = open().fullest();
  ASSERT_TRUE(use);
  EXPECT_EQ(use->max_bytes, 1000);
  EXPECT_EQ(use->used_bytes, 600);
}

TEST_F(CgroupMemoryTest, files_that_are_used_again_and_again_are_dropped_as_well) {
  group("shop.slice/web.service", "1000", 900, 300);
  stat("shop.slice/web.service", "inactive_file 300\nactive_file 200\n");
  EXPECT_EQ(open().fullest()->used_bytes, 400);
}

TEST_F(CgroupMemoryTest, code_that_runs_is_not_dropped) {
  group("shop.slice/web.service", "1000", 900);
  stat("shop.slice/web.service", "file_mapped 100\ninactive_file 300\nactive_file 200\n");
  EXPECT_EQ(open().fullest()->used_bytes, 500);
  stat("shop.slice/web.service",
       "file_mapped 500\nshmem 400\ninactive_file 300\nactive_file 200\n");
  EXPECT_EQ(open().fullest()->used_bytes, 500) << "shared memory is mapped, too";
  stat("shop.slice/web.service", "file_mapped 700\ninactive_file 300\nactive_file 200\n");
  EXPECT_EQ(open().fullest()->used_bytes, 900) << "pages can be in several counts";
}

TEST_F(CgroupMemoryTest, where_the_kernel_slows_down_is_a_limit_too) {
  group("shop.slice/web.service", "max", 500);
  write("sys/fs/cgroup/shop.slice/web.service/memory.high", "1000\n");
  EXPECT_EQ(open().fullest()->max_bytes, 1000);
  EXPECT_STREQ(open().fullest()->limit, "memory.high");
  group("shop.slice/web.service", "800", 500);
  EXPECT_EQ(open().fullest()->max_bytes, 800) << "the lower one";
  EXPECT_STREQ(open().fullest()->limit, "memory.max");
}

TEST_F(CgroupMemoryTest, a_twentieth_stays_free) {
  group("shop.slice/web.service", "1000", 600);
  EXPECT_TRUE(open().has_room(350));
  EXPECT_FALSE(open().has_room(351));
}

TEST_F(CgroupMemoryTest, every_level_up_to_the_root_counts) {
  group("shop.slice/web.service", "1000", 500);
  group("shop.slice", "10000", 9000);
  EXPECT_EQ(open().fullest()->max_bytes, 10000) << "nine tenths of it are taken";
  EXPECT_TRUE(open().has_room(450));
  group("", "9000", 8000);  // of a container the root is its own
  EXPECT_FALSE(open().has_room(560)) << "it fits into neither";
  group("shop.slice", "10000", 9400);
  EXPECT_FALSE(open().has_room(200)) << "it fits into ours, and not into that above";
}

TEST_F(CgroupMemoryTest, room_is_what_is_left_of_the_tightest_level) {
  EXPECT_FALSE(open().room(0.5)) << "no limit";
  group("shop.slice/web.service", "1000", 500);
  EXPECT_EQ(open().room(0.75), 250);
  EXPECT_EQ(open().room(0.25), -250) << "too much is taken already";
  group("shop.slice", "10000", 7400);
  EXPECT_EQ(open().room(0.75), 100);
}

TEST_F(CgroupMemoryTest, a_limit_that_is_changed_while_we_run_is_seen) {
  group("shop.slice/web.service", "1000", 940);
  const CgroupMemory memory = open();
  EXPECT_FALSE(memory.has_room(50));
  group("shop.slice/web.service", "2000", 940);
  EXPECT_TRUE(memory.has_room(50));
}

}  // namespace
}  // namespace labcoat::supervisor
