#include "supervisor/control_server.h"

#include <cstring>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/text.h"

namespace labcoat::supervisor {
namespace {

namespace fs = std::filesystem;

class ControlServerTest : public testing::Test {
 protected:
  ControlServerTest() : loop_(std::move(*net::Loop::create())) {
    std::string pattern = (fs::temp_directory_path() / "labcoat-control-XXXXXX").string();
    directory_ = mkdtemp(pattern.data());
    path_ = directory_ + "/control";
  }
  ~ControlServerTest() override { fs::remove_all(directory_); }

  Result<std::unique_ptr<ControlServer>> open() {
    return ControlServer::open(*loop_, path_, [this](int client, const Json& request) {
      last_client_ = client;
      requests_.push_back(request);
      return request.at("type") != "nonsense";
    });
  }

  net::MessageSocket connect() {
    Fd socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    return net::MessageSocket(std::move(socket));
  }

  void take_requests(size_t count) {
    while (requests_.size() < count) loop_->run_once(1000);
  }

  std::unique_ptr<net::Loop> loop_;
  std::string directory_, path_;
  std::vector<Json> requests_;
  int last_client_ = 0;
};

TEST_F(ControlServerTest, is_for_its_user_alone_and_goes_with_its_server) {
  {
    const auto server = open();
    ASSERT_TRUE(server) << server.error().text;
    struct stat status {};
    ASSERT_EQ(stat(path_.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(ControlServerTest, answers_also_what_is_larger_than_a_message) {
  const auto server = open();
  ASSERT_TRUE(server);
  net::MessageSocket client = connect();
  ASSERT_TRUE(client.send(R"({"type":"status"})"));
  take_requests(1);
  const std::string large(1 << 20, 'x');
  (*server)->answer(last_client_, {{"type", "status"}}, {{"text", large}});
  net::SocketMessage answer;
  ASSERT_EQ(client.receive(answer), net::MessageSocket::Receive::message);
  ASSERT_EQ(answer.fds.size(), 1u);
  std::string content(large.size() + 100, '\0');
  const ssize_t got = pread(answer.fds[0].get(), content.data(), content.size(), 0);
  ASSERT_GT(got, 0);
  content.resize(static_cast<size_t>(got));
  EXPECT_EQ(Json::parse(content).at("text"), large);
}

TEST_F(ControlServerTest, hangs_up_on_nonsense_and_goes_on) {
  const auto server = open();
  ASSERT_TRUE(server);
  net::MessageSocket bad = connect();
  net::MessageSocket good = connect();
  ASSERT_TRUE(bad.send(R"({"type":"nonsense"})"));
  ASSERT_TRUE(good.send(R"({"type":"status"})"));
  take_requests(2);
  loop_->run_once(0);
  (*server)->sweep();
  net::SocketMessage message;
  EXPECT_EQ(bad.receive(message), net::MessageSocket::Receive::closed);
  EXPECT_EQ(good.receive(message), net::MessageSocket::Receive::nothing_yet);
}

TEST_F(ControlServerTest, a_client_that_left_is_no_error) {
  const auto server = open();
  ASSERT_TRUE(server);
  {
    net::MessageSocket client = connect();
    ASSERT_TRUE(client.send(R"({"type":"status"})"));
    take_requests(1);
  }
  (*server)->answer(last_client_, {{"type", "result"}});
  loop_->run_once(0);
  (*server)->sweep();
  (*server)->answer(last_client_, {{"type", "result"}});
}

TEST_F(ControlServerTest, takes_over_what_a_dead_server_left_but_nothing_else) {
  {
    const auto first = open();
    ASSERT_TRUE(first);
    const auto second = open();
    ASSERT_FALSE(second);
    EXPECT_NE(second.error().text.find("another labcoat listens on"), std::string::npos);
    fs::rename(path_, path_ + ".left");  // so that its destructor cannot remove it
  }
  fs::rename(path_ + ".left", path_);
  EXPECT_TRUE(open());
  ASSERT_TRUE(write_file(path_, "precious"));
  const auto third = open();
  ASSERT_FALSE(third);
  EXPECT_NE(third.error().text.find("is a file that is not a socket"), std::string::npos);
  EXPECT_TRUE(fs::exists(path_));
}

TEST_F(ControlServerTest, says_that_a_path_is_too_long) {
  path_ = directory_ + "/" + std::string(120, 'x');
  const auto server = open();
  ASSERT_FALSE(server);
  EXPECT_NE(server.error().text.find("longer than"), std::string::npos);
}

}  // namespace
}  // namespace labcoat::supervisor
