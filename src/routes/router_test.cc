#include "routes/router.h"

#include <gtest/gtest.h>
#include <random>

#include "http/url.h"

namespace labcoat::routes {
namespace {

// A request as the parser would have left it.
class Request {
 public:
  explicit Request(std::string_view text) : bytes_(text) {
    for (size_t at; (at = bytes_.find('|')) != std::string::npos;) bytes_.replace(at, 1, "\r\n");
    bytes_ += "\r\n\r\n";
    size_t used = 0, scanned = 0;
    const auto parsed = http::parse_request(bytes_, {}, head, used, scanned);
    EXPECT_EQ(parsed, http::Parsed::done) << text;
  }
  RouteQuery query(bool https = false) const { return {head, head.path, https}; }
  http::RequestHead head;

 private:
  std::string bytes_;
};

config::Route fixed(const char* name, std::vector<std::string> path = {"/*"},
                    std::vector<std::string> host = {}) {
  config::Route route;
  route.name = name;
  route.path = std::move(path);
  route.host = std::move(host);
  route.status = 200;
  return route;
}

Router build(std::vector<config::Route> routes) {
  config::Config config;
  config.routes = std::move(routes);
  auto router = Router::build(config, http::MimeTypes());
  EXPECT_TRUE(router);
  return std::move(*router);
}

std::string answering(const Router& router, std::string_view request, bool https = false) {
  const Request made(request);
  const Route* route = router.match(made.query(https));
  return route == nullptr ? "" : route->config.name;
}

TEST(Router, takes_the_first_route_that_fits) {
  config::Route get = fixed("get", {"/a/*"});
  get.method = {"GET"};
  config::Route socket = fixed("socket", {"/a/*"});
  socket.header = {{"Upgrade", "websocket"}};
  config::Route stranger = fixed("stranger", {"/b"});
  stranger.without_header = {"Authorization"};
  config::Route plain = fixed("plain", {"/c"});
  plain.scheme = "http";
  const Router router = build({fixed("host", {"/only"}, {"example.org", "*.example.org"}), get,
                               socket, stranger, plain, fixed("rest", {"/a/*", "*.php"})});
  struct Case {
    const char* reason;
    const char* request;
    const char* name;
    bool https = false;
  };
  const Case cases[] = {
      {"host", "GET /only HTTP/1.1|Host: example.org", "host"},
      {"host in capitals, with port and dot", "GET /only HTTP/1.1|Host: EXAMPLE.org.:80", "host"},
      {"below the host", "GET /only HTTP/1.1|Host: a.b.example.org", "host"},
      {"not above it", "GET /only HTTP/1.1|Host: org", ""},
      {"not beside it", "GET /only HTTP/1.1|Host: myexample.org", ""},
      {"routes without host are for every host", "GET /a/ HTTP/1.1|Host: example.org", "get"},
      {"method", "GET /a/ HTTP/1.1|Host: x", "get"},
      {"HEAD goes where GET goes", "HEAD /a/ HTTP/1.1|Host: x", "get"},
      {"header", "POST /a/ HTTP/1.1|Host: x|upgrade: WebSocket", "socket"},
      {"header with another value", "POST /a/ HTTP/1.1|Host: x|Upgrade: h2c", "rest"},
      {"no header", "POST /a/ HTTP/1.1|Host: x", "rest"},
      {"without header", "GET /b HTTP/1.1|Host: x", "stranger"},
      {"with it", "GET /b HTTP/1.1|Host: x|Authorization: y", ""},
      {"scheme", "GET /c HTTP/1.1|Host: x", "plain"},
      {"other scheme", "GET /c HTTP/1.1|Host: x", "", true},
      {"second path of a list", "GET /x/y.php HTTP/1.1|Host: x", "rest"},
      {"no path", "GET /x/y.txt HTTP/1.1|Host: x", ""},
      {"HTTP/1.0 without a host", "GET /a/ HTTP/1.0", "get"},
  };
  for (const Case& c : cases) EXPECT_EQ(answering(router, c.request, c.https), c.name) << c.reason;
}

TEST(Router, says_what_to_answer_when_nobody_does) {
  config::Route get = fixed("get", {"/a"}, {"example.org"});
  get.method = {"GET"};
  config::Route put = fixed("put", {"/a"}, {"example.org"});
  put.method = {"PUT"};
  const Router router = build({fixed("health", {"/healthz"}), get, put});
  const auto nobody = [&](const char* text) {
    const Request request(text);
    const Router::Nobody answer = router.nobody(request.query());
    return std::to_string(answer.status) + " " + answer.allow;
  };
  EXPECT_EQ(nobody("GET /a HTTP/1.1|Host: other.org"), "421 ");
  EXPECT_EQ(nobody("GET /b HTTP/1.1|Host: example.org"), "404 ");
  EXPECT_EQ(nobody("POST /a HTTP/1.1|Host: example.org"), "405 GET, HEAD, PUT");
  const Request request("GET /b HTTP/1.1|Host: x");
  EXPECT_EQ(build({fixed("no hosts at all", {"/a"})}).nobody(request.query()).status, 404);
}

TEST(Router, finds_by_host_what_looking_at_every_route_finds) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const std::vector<std::string> hosts = {"a.org", "b.a.org", "*.a.org", "*.b.a.org", "*.org", "c"};
  const std::vector<std::string> asked = {"a.org",     "b.a.org", "x.b.a.org", "x.a.org", "y.org",
                                          "x.y.a.org", "c",       "d",         ".a.org"};
  for (int round = 0; round < 300; ++round) {
    std::vector<config::Route> routes;
    for (int i = 0; i < 5; ++i) {
      config::Route route = fixed("r", {random() % 3 == 0 ? "/*" : "/x"});
      while (random() % 3 != 0) route.host.push_back(hosts[random() % hosts.size()]);
      routes.push_back(std::move(route));
    }
    const Router router = build(routes);
    for (const std::string& host : asked) {
      Request request("GET /x HTTP/1.1|Host: z");
      request.head.host = host;
      const Route* expected = nullptr;
      for (size_t i = router.size(); i-- > 0;) {
        const Route& route = router.route(i);
        if (route.mismatch(request.query()) == Mismatch::none) expected = &route;
      }
      ASSERT_EQ(router.match(request.query()), expected) << host << ", seed " << seed;
    }
  }
}

TEST(Route, mounts_strips_and_rewrites_paths) {
  config::Route from = fixed("mount", {"/shop/*", "/shop"});
  from.strip_prefix = "/shop";
  const Router mount = build({from});
  EXPECT_EQ(mount.route(0).script_name_bytes("/shop/x"), 5u);
  EXPECT_EQ(mount.route(0).script_name_bytes("/shop"), 5u);
  EXPECT_EQ(mount.route(0).script_name_bytes("/shopping"), 0u);

  config::Route renamed = fixed("rename", {"/old/*/by/**"});
  renamed.rewrite = "/new/{2}/{1}";
  const Router rewrite = build({renamed});
  const auto own_path = [&](std::string_view path) {
    http::Pattern::Stars stars;
    rewrite.route(0).stars_of(path, stars);
    std::string out;
    const bool good = rewrite.route(0).write_own_path({.path = path, .stars = &stars}, out);
    return good ? out : "refused";
  };
  EXPECT_EQ(own_path("/old/a b/by/c/d"), "/new/c/d/a b");
  EXPECT_EQ(own_path("/old/x/by/.."), "refused");
}

TEST(RouteTemplate, leads_a_redirect_nowhere_else) {
  struct Case {
    const char* reason;
    const char* pattern;
    const char* text;
    const char* target;
    const char* location;
  };
  const Case cases[] = {
      {"all of them", "/*", "https://{host}{path}{query}", "/a%20b?c=d", "https://h.org/a%20b?c=d"},
      {"no query", "/*", "/x{query}", "/a", "/x"},
      {"empty query", "/*", "/x{query}", "/a?", "/x?"},
      {"a query behind a query", "/*", "/x?y=1{query}", "/a?b=2", "/x?y=1&b=2"},
      {"star", "/old/*", "/new/{1}", "/old/a/b", "/new/a/b"},
      {"no line can be broken", "/old/*", "/new/{1}", "/old/a%0d%0aSet-Cookie:x",
       "/new/a%0D%0ASet-Cookie:x"},
      {"two slashes would be another host", "/*", "{path}", "//evil.org/", "/evil.org/"},
      {"as would a backslash", "/*", "{path}", "/\\evil.org", "/%5Cevil.org"},
      {"also of a star", "/*", "/{1}", "//evil.org/", "/evil.org/"},
      {"and when the star begins", "*", "{1}", "//evil.org/", "/evil.org/"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.reason);
    http::RequestHead head;
    std::string_view target = c.target;
    head.has_query = target.find('?') != target.npos;
    head.path = target.substr(0, target.find('?'));
    if (head.has_query) head.query = target.substr(target.find('?') + 1);
    std::string path(head.path.size(), ' ');
    const ptrdiff_t size = http::normalize_path(head.path, path.data());
    ASSERT_GT(size, 0);
    path.resize(static_cast<size_t>(size));
    http::Pattern::Stars stars;
    ASSERT_TRUE(http::Pattern::of_path(c.pattern).matches(path, stars));
    std::string location;
    RouteTemplate(c.text).fill({.head = &head, .host = "h.org", .path = path, .stars = &stars},
                               location);
    EXPECT_EQ(location, c.location);
  }
}

}  // namespace
}  // namespace labcoat::routes
