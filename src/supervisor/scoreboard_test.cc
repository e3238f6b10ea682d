#include "supervisor/scoreboard.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "channel/edge_port.h"
#include "channel/worker_port.h"

namespace labcoat::supervisor {
namespace {

// A channel with its edge, one worker at endpoint 3, and the scoreboard beside them.
class ScoreboardTest : public testing::Test {
 protected:
  ScoreboardTest() {
    Fd memfd = std::move(*channel::create_channel({}));
    board_ = std::move(*Scoreboard::open(memfd.get()));
    mapping_ = std::move(*channel::Mapping::open(memfd.get()));
    edge_bell_ = Fd(eventfd(0, EFD_NONBLOCK));
    bell_ = Fd(eventfd(0, EFD_NONBLOCK));
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    edge_control_ = Fd(pair[0]);
    control_ = Fd(pair[1]);
    std::vector<Fd> bells;
    bells.emplace_back(dup(edge_bell_.get()));
    channel_ = std::move(*channel::EdgeChannel::open(std::move(memfd), std::move(bells)));
    port_ = std::make_unique<channel::EdgePort>(*channel_, 0);
    channel_->add_endpoint(3, Fd(dup(bell_.get())));
    worker_ = std::make_unique<channel::WorkerPort>(
        *mapping_, channel::WorkerPort::Settings{.endpoint = 3,
                                                 .doorbell = bell_.get(),
                                                 .control = control_.get(),
                                                 .edge_doorbells = {edge_bell_.get()}});
  }

  u32 enqueue(const std::string& target, u64 id) {
    const u32 slot = *port_->acquire(this);
    channel::RequestInfo& info = port_->info(slot);
    info = {};
    info.id = id;
    channel::RequestWriter writer = port_->write(slot);
    EXPECT_TRUE(writer.text({.method = "GET",
                             .target = target,
                             .path = target,
                             .query = "",
                             .server_name = "here",
                             .remote_address = "127.0.0.1"}));
    info.enqueued_ns = now_ns();
    port_->enqueue(slot);
    return slot;
  }

  std::unique_ptr<Scoreboard> board_;
  std::unique_ptr<channel::Mapping> mapping_;
  Fd edge_bell_, bell_, edge_control_, control_;
  std::unique_ptr<channel::EdgeChannel> channel_;
  std::unique_ptr<channel::EdgePort> port_;
  std::unique_ptr<channel::WorkerPort> worker_;
};

TEST_F(ScoreboardTest, names_the_request_that_a_worker_has) {
  EXPECT_FALSE(board_->current(3));
  enqueue("/notes/7?a=b", 0xa1);
  ASSERT_TRUE(worker_->take());
  const auto request = board_->current(3);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->line(), "GET /notes/7?a=b (request 00000000000000a1)");
  EXPECT_GT(board_->row(3).started_ns, 0);
  EXPECT_FALSE(board_->current(4)) << "another endpoint has nothing";
  worker_->finish(channel::WorkerPort::Ending::complete);
  EXPECT_FALSE(board_->current(3));
  EXPECT_EQ(board_->row(3).requests, 1u);
  EXPECT_EQ(board_->row(3).started_ns, 0);
}

TEST_F(ScoreboardTest, counts_who_waits_and_how_long) {
  EXPECT_EQ(board_->queue(now_ns()).waiting, 0);
  enqueue("/1", 1);
  enqueue("/2", 2);
  enqueue("/3", 3);
  EXPECT_EQ(board_->queue(now_ns()).waiting, 3);
  EXPECT_GE(board_->queue(now_ns() + 1 * seconds).oldest_wait_ns, 1 * seconds);
  ASSERT_TRUE(worker_->take());
  EXPECT_EQ(board_->queue(now_ns()).waiting, 2);
}

TEST_F(ScoreboardTest, lets_nobody_write_commands_for_a_terminal) {
  enqueue("/a", 1);
  ASSERT_TRUE(worker_->take());
  mapping_->request_area(worker_->slot())[4] = '\x1b';
  EXPECT_EQ(board_->current(3)->target, "/?");
}

TEST_F(ScoreboardTest, believes_no_number_of_a_worker) {
  enqueue("/a", 1);
  ASSERT_TRUE(worker_->take());
  const u32 slot = worker_->slot();
  for (const u64 entry : {~u64{0}, channel::make_entry(0xffff, 1), channel::make_entry(slot, 77)}) {
    mapping_->endpoint(3).current.store(entry);
    EXPECT_FALSE(board_->current(3));
  }
  mapping_->endpoint(3).current.store(channel::make_entry(slot, worker_->generation()));
  ASSERT_TRUE(board_->current(3));
  mapping_->slot(slot).request.target_bytes = 0xfffffff0;
  EXPECT_FALSE(board_->current(3));
  for (const u64 head : {u64{0}, ~u64{0}, u64{1} << 40}) {
    mapping_->lane(channel::Priority::normal).head.store(head);
    mapping_->queue_entry(channel::Priority::normal, 0).store(~u64{0});
    EXPECT_LE(board_->queue(now_ns()).waiting, 1);
  }
}

}  // namespace
}  // namespace labcoat::supervisor
