#include "supervisor/cpu_plan.h"

#include <gtest/gtest.h>

namespace labcoat::supervisor {
namespace {

using Cpus = std::vector<int>;

config::App app_with(const char* affinity) {
  config::App app;
  app.cpu_affinity = affinity;
  return app;
}

TEST(CpuPlan, binds_nothing_when_off) {
  config::Config config;
  config.apps.push_back(app_with("off"));
  EXPECT_EQ(edge_cpus(config, {0, 1}), Cpus{});
  EXPECT_EQ(worker_cpus(config.apps[0], 0, {0, 1}), Cpus{});
}

TEST(CpuPlan, spreads_workers_over_the_cpus_we_may_use) {
  const config::App app = app_with("spread");
  EXPECT_EQ(worker_cpus(app, 0, {2, 5}), Cpus{2});
  EXPECT_EQ(worker_cpus(app, 1, {2, 5}), Cpus{5});
  EXPECT_EQ(worker_cpus(app, 2, {2, 5}), Cpus{2});
}

TEST(CpuPlan, splits_the_first_cpu_off_for_the_edge) {
  config::Config config;
  config.apps.push_back(app_with("split"));
  EXPECT_EQ(edge_cpus(config, {2, 5, 7}), Cpus{2});
  EXPECT_EQ(worker_cpus(config.apps[0], 0, {2, 5, 7}), Cpus{5});
  EXPECT_EQ(worker_cpus(config.apps[0], 1, {2, 5, 7}), Cpus{7});
  EXPECT_EQ(worker_cpus(config.apps[0], 2, {2, 5, 7}), Cpus{5});
}

TEST(CpuPlan, has_nothing_to_split_on_one_cpu) {
  config::Config config;
  config.apps.push_back(app_with("split"));
  EXPECT_EQ(edge_cpus(config, {3}), Cpus{});
  EXPECT_EQ(worker_cpus(config.apps[0], 4, {3}), Cpus{3});
}

}  // namespace
}  // namespace labcoat::supervisor
