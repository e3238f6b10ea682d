#include "supervisor/listeners.h"

#include <filesystem>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/text.h"

namespace labcoat::supervisor {
namespace {

namespace fs = std::filesystem;
using config::Listen;

Listen tcp(const std::string& host, int port) {
  Listen listen;
  listen.host = host;
  listen.port = port;
  listen.url = "http://" + host + ":" + std::to_string(port);
  return listen;
}

class UnixListenerTest : public testing::Test {
 protected:
  UnixListenerTest() {
    std::string pattern = (fs::temp_directory_path() / "labcoat-listen-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    listen_.kind = Listen::Kind::unix_socket;
    listen_.path = directory_ + "/s.sock";
    listen_.url = "unix:" + listen_.path;
  }
  ~UnixListenerTest() override { fs::remove_all(directory_); }

  std::string directory_;
  Listen listen_;
};

TEST(Listener, tells_the_port_that_the_kernel_picked) {
  const auto listener = open_listener(tcp("127.0.0.1", 0), 8);
  ASSERT_TRUE(listener) << listener.error().text;
  EXPECT_TRUE(listener->url.starts_with("http://127.0.0.1:"));
  EXPECT_FALSE(listener->url.ends_with(":0"));
}

TEST(Listener, says_which_url_is_taken_and_what_to_do) {
  const auto first = open_listener(tcp("127.0.0.1", 0), 8);
  ASSERT_TRUE(first);
  const auto port = parse_int(first->url.substr(first->url.rfind(':') + 1));
  ASSERT_TRUE(port);
  const auto second = open_listener(tcp("127.0.0.1", static_cast<int>(*port)), 8);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().text.find(first->url), std::string::npos) << second.error().text;
  EXPECT_NE(second.error().text.find("another program listens there"), std::string::npos);
}

TEST(Listener, refuses_an_address_that_is_not_ours) {
  const auto listener = open_listener(tcp("192.0.2.1", 0), 8);  // TEST-NET-1
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().text.find("no such address"), std::string::npos);
}

TEST_F(UnixListenerTest, takes_over_the_socket_of_a_dead_server) {
  { const auto dead = open_listener(listen_, 8); }  // closed, the file stays
  ASSERT_TRUE(fs::exists(listen_.path));
  const auto listener = open_listener(listen_, 8);
  ASSERT_TRUE(listener) << listener.error().text;
  struct stat status {};
  ASSERT_EQ(stat(listen_.path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0666u);
}

TEST_F(UnixListenerTest, leaves_the_socket_of_a_living_server_alone) {
  const auto living = open_listener(listen_, 8);
  ASSERT_TRUE(living);
  EXPECT_FALSE(open_listener(listen_, 8));
  EXPECT_TRUE(fs::exists(listen_.path));
}

TEST_F(UnixListenerTest, does_not_delete_a_file_that_is_no_socket) {
  ASSERT_TRUE(write_file(listen_.path, "precious"));
  const auto listener = open_listener(listen_, 8);
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().text.find("not a socket"), std::string::npos);
  EXPECT_EQ(*read_file(listen_.path), "precious");
}

TEST_F(UnixListenerTest, removes_its_file_at_the_end) {
  auto listeners = open_listeners({listen_}, 8);
  ASSERT_TRUE(listeners);
  close_listeners(*listeners);
  EXPECT_FALSE(fs::exists(listen_.path));
}

}  // namespace
}  // namespace labcoat::supervisor
