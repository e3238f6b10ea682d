#include "config/reader.h"

#include <filesystem>
#include <functional>
#include <gtest/gtest.h>

#include "base/text.h"
#include "config/fields.h"
#include "config/options.h"

namespace labcoat::config {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

// A directory with a file or two, gone after the test.
class ReaderTest : public testing::Test {
 protected:
  ReaderTest() {
    std::string pattern = (fs::temp_directory_path() / "labcoat-reader-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    fs::create_directories(directory_ + "/static");
    fs::create_directories(directory_ + "/shop");
  }
  ~ReaderTest() override { fs::remove_all(directory_); }

  void write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(write_file(directory_ + "/" + name, text));
  }
  Result<Config> read(const CommandLine& line = {}) { return read_config(line, {directory_, 8}); }

  std::string directory_;
};

TEST_F(ReaderTest, serves_one_app_with_nothing_but_its_name) {
  const auto config = read({.target = "shop.wsgi:app"});
  ASSERT_TRUE(config) << config.error().text;
  ASSERT_EQ(config->apps.size(), 1u);
  EXPECT_EQ(config->apps[0].target, "shop.wsgi:app");
  EXPECT_EQ(config->apps[0].directory, directory_);
  EXPECT_EQ(config->apps[0].workers, 8);
  EXPECT_EQ(config->edge_threads, 2);
  ASSERT_EQ(config->listen.size(), 1u);
  EXPECT_EQ(config->listen[0].port, 8000);
  ASSERT_EQ(config->routes.size(), 1u);
  EXPECT_EQ(config->routes[0].path, Words{"/*"});
  EXPECT_EQ(config->routes[0].app, config->apps[0].name);
}

TEST_F(ReaderTest, reads_the_file_of_the_design) {
  write("labcoat.toml", R"(
[server]
listen = ["http://127.0.0.1:8000", "unix:run.sock"]
edge_threads = "auto"
access_log = "access.log"
[admin]
listen = "http://127.0.0.1:8001"
[app.shop]
target = "shop.wsgi:app"
directory = "shop"
workers = "auto*2"
threads = 2
spin = "20us"
environment = { MODE = "live" }
[limits]
queue_wait = 2.5
request_body_bytes = "10MiB"
[[route]]
path = "/static/*"
files = "static"
[[route]]
path = "/*"
app = "shop"
)");
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->listen[1].path, directory_ + "/run.sock");
  EXPECT_EQ(config->admin[0].port, 8001);
  EXPECT_EQ(config->access_log, directory_ + "/access.log");
  const App& app = config->apps[0];
  EXPECT_EQ(app.directory, directory_ + "/shop");
  EXPECT_EQ(app.workers, 16);
  EXPECT_EQ(app.threads, 2);
  EXPECT_EQ(app.spin_ns, 20 * us);
  EXPECT_EQ(app.environment.at("MODE"), "live");
  EXPECT_EQ(config->limits.queue_wait_ns, 2500 * ms);
  EXPECT_EQ(config->limits.request_body_bytes, 10 << 20);
  EXPECT_EQ(config->routes[0].files, directory_ + "/static");
  EXPECT_EQ(config->sources.at("app.shop.threads"), "labcoat.toml:12");
  EXPECT_EQ(config->sources.at("server.backlog"), "default");
}

TEST_F(ReaderTest, lets_the_command_line_win) {
  write("labcoat.toml", "[app.shop]\ntarget = \"shop:app\"\nworkers = 2\ngc = \"off\"\n");
  const auto config = read({.listen = {"http://[::1]:0"},
                            .statics = {"/assets/=static"},
                            .workers = "3",
                            .python = "python3.11",
                            .sets = {"workers=4", "app.shop.threads=2", "backlog=7"}});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->apps[0].workers, 4);
  EXPECT_EQ(config->apps[0].threads, 2);
  EXPECT_EQ(config->apps[0].gc, "off");
  EXPECT_EQ(config->apps[0].python, "python3.11");
  EXPECT_EQ(config->backlog, 7);
  EXPECT_EQ(config->listen[0].host, "::1");
  EXPECT_EQ(config->routes[0].path, Words{"/assets/*"});
  EXPECT_EQ(config->routes[1].app, "shop");
}

TEST_F(ReaderTest, reads_pyproject_only_where_it_speaks_of_labcoat) {
  write("pyproject.toml", "[tool.other]\nx = 1\n");
  EXPECT_FALSE(read());
  write("pyproject.toml", "[tool.labcoat.app.shop]\ntarget = \"shop:app\"\n");
  const auto config = read();
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_EQ(config->apps[0].name, "shop");
}

TEST_F(ReaderTest, serves_files_alone) {
  const auto config = read({.statics = {"/=static"}});
  ASSERT_TRUE(config) << config.error().text;
  EXPECT_TRUE(config->apps.empty());
  EXPECT_EQ(config->routes[0].path, Words{"/*"});
}

TEST_F(ReaderTest, names_file_line_key_expectation_and_nearest_word) {
  const std::string app = "[app.shop]\ntarget = \"shop:app\"\n";
  struct Case {
    const char* reason;
    std::string file;
    const char* text;
  };
  const Case cases[] = {
      {"not TOML", "[server\n", "labcoat.toml:1:8: this is not TOML"},
      {"unknown table", "[servr]\n",
       "labcoat.toml:1: the configuration has no key 'servr'; did you mean 'server'?"},
      {"unknown key", app + "worker = 3\n",
       "labcoat.toml:3: [app.shop] has no key 'worker'; did you mean 'workers'?"},
      {"no key is near", app + "zzzzzzzzzzz = 3\n", "it may have target, directory"},
      {"key of another table", "[server]\ngc = \"off\"\n",
       "labcoat.toml:2: [server] has no key 'gc'"},
      {"out of range", app + "workers = 0\n",
       "labcoat.toml:3: workers: '0' is not a whole number from 1 to 512, or auto"},
      {"number in quotes", app + "workers = \"4\"\n",
       "labcoat.toml:3: app.shop.workers is text; expected a whole number"},
      {"typo of a special word", app + "workers = \"atuo\"\n", "did you mean 'auto'?"},
      {"wrong type", app + "threads = true\n",
       "app.shop.threads is true or false; expected a whole number from 1 to 64"},
      {"wrong choice", app + "gc = \"freez\"\n", "did you mean 'freeze'?"},
      {"choice of the wrong type", app + "gc = false\n",
       "app.shop.gc is true or false; expected default, freeze"},
      {"duration", "[limits]\nqueue_wait = \"soon\"\n",
       "labcoat.toml:2: queue_wait: 'soon' is not a duration from 1ms to 1h"},
      {"size", "[limits]\nrequest_header_bytes = \"1 mile\"\n", "is not a size from 1KiB to 1MiB"},
      {"app without a name", "[app]\ntarget = \"a:b\"\n",
       "expected a table for each app: [app.NAME]"},
      {"bad name", "[app.\"a b\"]\ntarget = \"a:b\"\n", "'a b' cannot be the name of an app"},
      {"no target", "[app.shop]\nworkers = 1\n", "labcoat.toml:1: app.shop has no target"},
      {"a file as target", "[app.shop]\ntarget = \"shop.py\"\n", "did you mean 'shop:app'?"},
      {"no such directory", app + "directory = \"nowhere\"\n", "labcoat.toml:3: the directory "},
      {"too many threads", app + "workers = 512\nthreads = 64\n", "at most 512 threads"},
      {"listen is no list", "[server]\nlisten = 8000\n",
       "server.listen is a whole number; expected a URL"},
      {"listen is empty", "[server]\nlisten = []\n", "server.listen is an empty list"},
      {"no scheme", app + "[server]\nlisten = \"127.0.0.1:80\"\n", "is not http://HOST:PORT"},
      {"no port", app + "[server]\nlisten = \"http://[::1]\"\n", "has no port"},
      {"port too large", app + "[server]\nlisten = \"http://a:65536\"\n", "not from 0 to 65535"},
      {"bare IPv6", app + "[server]\nlisten = \"http://::1:80\"\n", "without brackets"},
      {"a path behind", app + "[server]\nlisten = \"http://a:1/x\"\n",
       "more than a host and a port"},
      {"twice", app + "[server]\nlisten = [\"http://a:1\", \"http://a:1\"]\n", "is named twice"},
      {"TLS", app + "[server]\nlisten = \"https://a:1\"\n", "'https://a:1' needs a certificate"},
      {"admin key", "[admin]\nport = 1\n", "[admin] has no key 'port'"},
      {"access log", "[server]\naccess_log = \"on\"\n", "'on' is not off, -, the name of a file"},
      {"log URL", "[server]\naccess_log = \"syslog://x\"\n", "syslog+udp://HOST:PORT"},
      {"environment", app + "environment = { A = 1 }\n",
       "app.shop.environment.A is a whole number; expected text"},
      {"route key", app + "[[route]]\npth = \"/\"\n",
       "[[route]] has no key 'pth'; did you mean 'path'?"},
      {"route without path", app + "[[route]]\napp = \"shop\"\n", "this route has no path"},
      {"route to nothing", app + "[[route]]\npath = \"/*\"\n",
       "labcoat.toml:3: the route \"/*\" needs one of files, app, redirect, answer and status"},
      {"route to no app", app + "[[route]]\npath = \"/*\"\napp = \"shp\"\n",
       "there is no app 'shp'; did you mean 'shop'?"},
      {"no slash", app + "[[route]]\npath = \"x\"\napp = \"shop\"\n",
       "labcoat.toml:4: route.path: 'x' is not a path"},
      {"no directory", app + "[[route]]\npath = \"/x/*\"\nfiles = \"no\"\n", "does not exist"},
      {"unrouted", app + "[app.blog]\ntarget = \"b:app\"\n",
       "no [[route]] leads to the app 'blog'"},
      {"nothing", "[server]\nbacklog = 5\n", "there is nothing to serve"},
  };
  for (const Case& c : cases) {
    write("labcoat.toml", c.file);
    const auto config = read();
    ASSERT_FALSE(config) << c.reason;
    EXPECT_NE(config.error().text.find(c.text), std::string::npos)
        << c.reason << ": " << config.error().text;
  }
}

TEST_F(ReaderTest, names_the_flag) {
  struct Case {
    CommandLine line;
    const char* text;
  };
  const Case cases[] = {
      {{.target = "shop"}, "the app: 'shop' is not MODULE:CALLABLE"},
      {{.target = "a:b", .workers = "x"}, "--workers: workers: 'x' is not a whole number"},
      {{.target = "a:b", .sets = {"worker=2"}},
       "there is no option 'worker'; did you mean 'workers'?"},
      {{.target = "a:b", .sets = {"workers"}}, "expected KNOB=VALUE"},
      {{.target = "a:b", .sets = {"app.x.workers=2"}}, "there is no app 'x'"},
      {{.target = "a:b", .sets = {"gc=fast"}}, "--set gc=fast: gc: 'fast' is not default"},
      {{.statics = {"static"}}, "--static static: expected PREFIX=DIR"},
      {{.statics = {"/s=nowhere"}}, "does not exist"},
      {{.target = "a:b", .listen = {"8000"}}, "--listen: '8000' is not http://"},
      {{.file = "nowhere.toml"}, "nowhere.toml: No such file"},
  };
  for (const Case& c : cases) {
    const auto config = read(c.line);
    ASSERT_FALSE(config) << c.text;
    EXPECT_NE(config.error().text.find(c.text), std::string::npos) << config.error().text;
  }
}

TEST(Fields, exist_for_every_option) {
  const std::string directory = "/";
  const std::string where = "test";
  for (const Option& option : options()) {
    const std::string_view name = option.name;
    if (name == "listen" || name == "environment") continue;  // not single values
    const CheckedValue value{option.default_value, directory, where, 4};
    Config config;
    App app;
    const bool found = std::string_view(option.section) == "app"
                           ? set_app_field(app, name, value)
                           : set_server_field(config, name, value);
    EXPECT_TRUE(found) << name;
  }
}

TEST(Options, have_valid_defaults_and_levels_and_say_why) {
  for (const Option& option : options()) {
    EXPECT_TRUE(check_option_value(option, option.default_value)) << option.name;
    EXPECT_STRNE(option.help, "") << option.name;
    if (option.levels[0] == '\0') continue;
    EXPECT_STRNE(option.why, "") << option.name;
    for (const std::string_view level : split(option.levels, ' ')) {
      EXPECT_TRUE(check_option_value(option, level)) << option.name << " = " << level;
    }
  }
}

}  // namespace
}  // namespace labcoat::config
