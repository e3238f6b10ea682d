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

// Without its https listener a file needs no certificate, and without proxy_protocol it need trust
// nobody; the listeners that run still do.
TEST(Adoption, leaves_what_fits_to_other_listeners_until_they_are_there) {
  Config running = with("server.trusted_proxies", "10.0.0.1");
  running.trusted_proxies = "10.0.0.1";
  running.values["tls.redirect_https"] = "off";
  running.listen.emplace_back().url = "https://[::]:443";
  running.tls.certificates.push_back({"site.crt", "site.key", {}});
  Config fresh = running;
  fresh.listen[0].url = "http://[::]:80";
  fresh.trusted_proxies = fresh.values["server.trusted_proxies"] = "";
  fresh.values["tls.redirect_https"] = "443";
  fresh.tls.redirect_port = 443;
  fresh.tls.certificates.clear();
  const auto adoption = adopt(running, fresh);
  ASSERT_TRUE(adoption);
  EXPECT_EQ(adoption->adopted, Words{});
  EXPECT_EQ(adoption->at_restart,
            (Words{"server.trusted_proxies", "tls.redirect_https", "tls.certificate"}));
  EXPECT_EQ(running.trusted_proxies, "10.0.0.1");
  EXPECT_EQ(running.tls.redirect_port, 0);
  EXPECT_EQ(running.tls.certificates.size(), 1u);
}

TEST(Adoption, who_speaks_the_proxy_protocol_is_trusted_as_long_as_it_is_asked_for) {
  Config running = with("server.trusted_proxies", "10.0.0.1");
  running.trusted_proxies = "10.0.0.1";
  running.proxy_protocol = "on";
  Config fresh = running;
  fresh.trusted_proxies = fresh.values["server.trusted_proxies"] = "";
  fresh.proxy_protocol = "off";
  ASSERT_TRUE(adopt(running, fresh));
  EXPECT_EQ(running.trusted_proxies, "10.0.0.1");
}

}  // namespace
}  // namespace labcoat::config
