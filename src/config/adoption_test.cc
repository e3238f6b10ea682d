#include "config/adoption.h"

#include <gtest/gtest.h>

namespace labcoat::config {
namespace {

using Words = std::vector<std::string>;

Config with(const std::string& name, const std::string& value) {
  Config config;
  config.apps.emplace_back();
  config.apps[0].name = "shop";
  config.values[name] = value;
  config.sources[name] = "labcoat.toml:1";
  return config;
}

TEST(Adoption, takes_what_is_looked_up_and_names_what_is_not) {
  Config running = with("limits.idle_timeout", "30s");
  running.values["server.edge_threads"] = "1";
  Config fresh = with("limits.idle_timeout", "5s");
  fresh.limits.idle_timeout_ns = 5 * seconds;
  fresh.limits.queue = 7;  // its word has not changed
  fresh.values["server.edge_threads"] = "2";
  fresh.edge_threads = 2;
  const auto adoption = adopt(running, fresh);
  ASSERT_TRUE(adoption);
  EXPECT_EQ(adoption->adopted, Words{"limits.idle_timeout"});
  EXPECT_EQ(adoption->at_restart, Words{"server.edge_threads"});
  EXPECT_EQ(running.limits.idle_timeout_ns, 5 * seconds);
  EXPECT_EQ(running.values["limits.idle_timeout"], "5s");
  EXPECT_EQ(running.values["server.edge_threads"], "1");
  EXPECT_EQ(running.edge_threads, 1);
  EXPECT_NE(running.limits.queue, 7);
}

TEST(Adoption, takes_routes_and_says_nothing_when_nothing_has_changed) {
  Config running = with("a", "b");
  Config fresh = running;
  fresh.routes.push_back({.name = "x", .path = {"/x"}});
  auto adoption = adopt(running, fresh);
  ASSERT_TRUE(adoption);
  EXPECT_EQ(adoption->adopted, Words{"routes"});
  EXPECT_EQ(running.routes.size(), 1u);
  adoption = adopt(running, fresh);
  ASSERT_TRUE(adoption);
  EXPECT_TRUE(adoption->adopted.empty() && adoption->at_restart.empty());
}

TEST(Adoption, goes_back_to_a_default_that_is_said_no_more) {
  Config running = with("limits.compressions", "3");
  running.limits.compressions = 3;
  Config fresh;
  fresh.apps = running.apps;
  ASSERT_TRUE(adopt(running, fresh));
  EXPECT_EQ(running.limits.compressions, Limits().compressions);
  EXPECT_TRUE(running.values.empty());
}

TEST(Adoption, takes_no_other_apps) {
  Config running = with("a", "b");
  Config fresh = running;
  fresh.apps[0].name = "store";
  fresh.routes.push_back({.name = "x"});
  EXPECT_FALSE(adopt(running, fresh));
  EXPECT_TRUE(running.routes.empty());
}

}  // namespace
}  // namespace labcoat::config
