#include "config/json.h"

#include <gtest/gtest.h>

namespace labcoat::config {
namespace {

Config sample() {
  Config config;
  config.listen.push_back(
      {Listen::Kind::unix_socket, "", 0, "/run/shop.sock", "unix:/run/shop.sock"});
  config.admin.push_back({Listen::Kind::http, "::1", 8001, "", "http://[::1]:8001"});
  config.edge_threads = 3;
  config.access_log = "-";
  config.access_log_sync = true;
  config.limits.queue = 7;
  config.limits.drain_timeout_ns = 5 * ms;
  App app;
  app.name = "shop";
  app.target = "shop.wsgi:app";
  app.environment = {{"A", "1"}, {"B", "\"quoted\"\n"}};
  app.workers = 4;
  app.gc = "freeze";
  app.spin_ns = 20 * us;
  config.apps.push_back(app);
  config.routes.push_back({.path = {"/static/*"}, .files = "/srv/static"});
  config.routes.push_back({.path = {"/*"}, .app = "shop", .set_header = {{"X-A", "1"}}});
  config.sources = {{"server.backlog", "default"}};
  return config;
}

TEST(ConfigJson, survives_the_way_to_the_edge) {
  const std::string text = to_json(sample());
  const auto back = from_json(text);
  ASSERT_TRUE(back) << back.error().text;
  EXPECT_EQ(to_json(*back), text);
  EXPECT_EQ(back->listen[0].kind, Listen::Kind::unix_socket);
  EXPECT_EQ(back->admin[0].host, "::1");
  EXPECT_EQ(back->apps[0].environment.at("B"), "\"quoted\"\n");
  EXPECT_EQ(back->limits.drain_timeout_ns, 5 * ms);
  EXPECT_EQ(back->routes[1].app, "shop");
  EXPECT_EQ(back->routes[1].set_header, (Pairs{{"X-A", "1"}}));
}

TEST(ConfigJson, refuses_what_is_not_a_whole_configuration) {
  for (const char* text : {"", "{}", "[]", "{\"listen\":3}", "nonsense"}) {
    EXPECT_FALSE(from_json(text)) << text;
  }
}

}  // namespace
}  // namespace labcoat::config
