#include "base/cpu_count.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace labcoat {
namespace {

namespace fs = std::filesystem;

// A made-up file system root with just the files that are read.
class CpuCount : public testing::Test {
 protected:
  CpuCount() : root_(testing::TempDir() + "cpu_count_" + std::to_string(getpid())) {}
  ~CpuCount() override { fs::remove_all(root_); }
  void put(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string root_;
};

TEST_F(CpuCount, WithoutCgroupsTheAffinityMaskDecides) {
  EXPECT_EQ(cpu_count(root_), cpu_count("/nowhere"));
  EXPECT_GE(cpu_count(), 1);
}

TEST_F(CpuCount, AQuotaOfAParentGroupHoldsForUs) {
  put("/proc/self/cgroup", "0::/pod/app\n");
  put("/sys/fs/cgroup/pod/cpu.max", "50000 100000\n");
  put("/sys/fs/cgroup/pod/app/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_count(root_), 1);
}

TEST_F(CpuCount, VersionOneQuotasCountToo) {
  put("/proc/self/cgroup", "4:cpu,cpuacct:/app\n");
  put("/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "20000\n");
  put("/sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_count(root_), 1);
}

TEST_F(CpuCount, AQuotaOfMinusOneIsNoLimit) {
  put("/proc/self/cgroup", "4:cpu:/app\n");
  put("/sys/fs/cgroup/cpu/app/cpu.cfs_quota_us", "-1\n");
  put("/sys/fs/cgroup/cpu/app/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_count(root_), cpu_count("/nowhere"));
}

}  // namespace
}  // namespace labcoat
