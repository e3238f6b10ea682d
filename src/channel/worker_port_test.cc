#include "channel/worker_port.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <thread>

namespace labcoat::channel {
namespace {

// A worker without work, and the edge's end of its control socket.
struct Idle {
  Idle() {
    const Fd memfd = std::move(*create_channel({}));
    mapping = std::move(*Mapping::open(memfd.get()));
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
    edge_end = Fd(ends[0]);
    worker_end = Fd(ends[1]);
    bell = Fd(eventfd(0, EFD_NONBLOCK));
    port = std::make_unique<WorkerPort>(*mapping,
                                        WorkerPort::Settings{.endpoint = 1,
                                                             .doorbell = bell.get(),
                                                             .control = worker_end.get(),
                                                             .edge_doorbells = {bell.get()}});
  }
  std::unique_ptr<Mapping> mapping;
  Fd edge_end, worker_end, bell;
  std::unique_ptr<WorkerPort> port;
};

TEST(WorkerPort, SleepsUntilRungWhileTheEdgeIsThere) {
  Idle idle;
  ring_doorbell(idle.bell.get());
  idle.port->wait();
  EXPECT_FALSE(idle.port->edge_gone());
}

TEST(WorkerPort, WakesWhenTheEdgeIsGone) {
  Idle idle;
  std::thread edge([&] { idle.edge_end.reset(); });
  idle.port->wait();
  edge.join();
  EXPECT_TRUE(idle.port->edge_gone());
}

TEST(WorkerPort, IsNotWokenByAMessageOfTheEdge) {
  Idle idle;
  ASSERT_EQ(send(idle.edge_end.get(), "x", 1, 0), 1);
  ring_doorbell(idle.bell.get());
  idle.port->wait();
  EXPECT_FALSE(idle.port->edge_gone());
}

}  // namespace
}  // namespace labcoat::channel
