#include "net/handshakes.h"

#include <cerrno>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/fd.h"

namespace labcoat::net {
namespace {

// A listening socket on a port of its own, and clients of it that may be deaf: they do not hear
// the server's part of the handshake, which so does not end.
class Handshakes : public testing::Test {
 protected:
  void SetUp() override {
    listener_ = Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(::bind(listener_.get(), generic(), sizeof address_), 0);
    ASSERT_EQ(::listen(listener_.get(), 8), 0);
    socklen_t length = sizeof address_;
    ASSERT_EQ(::getsockname(listener_.get(), generic(), &length), 0);
  }

  sockaddr* generic() { return reinterpret_cast<sockaddr*>(&address_); }

  Fd begin_to_connect(bool deaf) {
    Fd client(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (deaf) {
      sock_filter nothing[] = {BPF_STMT(BPF_RET | BPF_K, 0)};
      const sock_fprog program{1, nothing};
      EXPECT_EQ(::setsockopt(client.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program),
                0);
    }
    EXPECT_TRUE(::connect(client.get(), generic(), sizeof address_) == 0 || errno == EINPROGRESS);
    return client;
  }

  static void hear(const Fd& client) {
    const int unused = 0;
    EXPECT_EQ(::setsockopt(client.get(), SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused), 0);
  }

  // Waits for one to be accepted.
  bool accepts() {
    pollfd readable{listener_.get(), POLLIN, 0};
    ::poll(&readable, 1, 10'000);
    return static_cast<bool>(Fd(::accept(listener_.get(), nullptr, nullptr)));
  }

  Fd listener_;
  sockaddr_in address_{};
};

TEST_F(Handshakes, are_under_way_until_the_client_has_answered) {
  EXPECT_FALSE(handshakes_under_way(listener_.get()));
  const Fd whole = begin_to_connect(false);
  EXPECT_FALSE(handshakes_under_way(listener_.get())) << "it waits to be accepted";
  EXPECT_TRUE(accepts());
  const Fd half = begin_to_connect(true);
  EXPECT_TRUE(handshakes_under_way(listener_.get()));
  hear(half);
  EXPECT_TRUE(accepts()) << "the kernel says its part again";
  EXPECT_FALSE(handshakes_under_way(listener_.get()));
}

TEST_F(Handshakes, that_have_begun_are_ended_and_no_others_begin) {
  const Fd half = begin_to_connect(true);
  ASSERT_TRUE(stop_new_handshakes(listener_.get()));
  const Fd late = begin_to_connect(false);
  hear(half);
  EXPECT_TRUE(accepts());
  EXPECT_FALSE(handshakes_under_way(listener_.get())) << "the late one was not heard";
  pollfd connected{late.get(), POLLOUT, 0};
  EXPECT_EQ(::poll(&connected, 1, 0), 0) << "it still waits for a first answer";
  EXPECT_EQ(::accept(listener_.get(), nullptr, nullptr), -1);
}

TEST(HandshakesOfUnixSockets, are_none) {
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_TRUE(stop_new_handshakes(listener.get()));
  EXPECT_FALSE(handshakes_under_way(listener.get()));
  EXPECT_FALSE(handshakes_under_way(-1));
}

}  // namespace
}  // namespace labcoat::net
