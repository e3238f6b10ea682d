// WebSockets through the channel: messages both ways, room, and who is woken for what.
#include <gtest/gtest.h>
#include <poll.h>
#include <string>
#include <sys/eventfd.h>

#include "channel/edge_port.h"
#include "channel/worker_port.h"

namespace labcoat::channel {
namespace {

using Output = EdgePort::Output;
using Kind = WorkerPort::MessageKind;

bool is_rung(int bell) {
  pollfd one{bell, POLLIN, 0};
  return ::poll(&one, 1, 0) == 1;
}

void silence(int bell) {
  u64 count;
  [[maybe_unused]] const ssize_t got = ::read(bell, &count, sizeof count);
}

// One edge thread, one endpoint, one WebSocket between them.
class SocketRig : public ::testing::Test {
 protected:
  void SetUp() override {
    Fd memfd = std::move(*create_channel({.slots = 64, .edge_threads = 1}));
    mapping_ = std::move(*Mapping::open(memfd.get()));
    edge_bell_ = Fd(eventfd(0, EFD_NONBLOCK));
    worker_bell_ = Fd(eventfd(0, EFD_NONBLOCK));
    std::vector<Fd> bells;
    bells.emplace_back(dup(edge_bell_.get()));
    channel_ = std::move(*EdgeChannel::open(std::move(memfd), std::move(bells)));
    edge_ = std::make_unique<EdgePort>(*channel_, 0);
    channel_->add_endpoint(3, Fd(dup(worker_bell_.get())));
    silence(worker_bell_.get());
    worker_ = std::make_unique<WorkerPort>(
        *mapping_, WorkerPort::Settings{.endpoint = 3,
                                        .doorbell = worker_bell_.get(),
                                        .edge_doorbells = {edge_bell_.get()},
                                        .spin_ns = 0,
                                        .rings_in_turns = true});
    slot_ = *edge_->acquire(this, EdgePort::Use::socket);
    RequestInfo& info = edge_->info(slot_);
    info = {};
    info.websocket = 101;
    RequestWriter writer = edge_->write(slot_);
    ASSERT_TRUE(writer.text({.method = "GET",
                             .target = "/ws",
                             .path = "/ws",
                             .query = "",
                             .server_name = "",
                             .remote_address = ""}));
    writer.begin_body();
    edge_->enqueue(slot_);
    ASSERT_TRUE(worker_->take(taken_));
    ASSERT_TRUE(worker_->asks_for_socket());
    worker_->open_socket();
  }

  void accept() {
    const NameValue fields[] = {{"sec-websocket-protocol", "chat"}};
    worker_->accept_socket(fields);
    worker_->flush();
    EXPECT_EQ(next().kind, Output::accept);
    EXPECT_EQ(frame_.head.status, 101);
    EXPECT_EQ(frame_.head.field_count, 1u);
  }
  const EdgePort::Frame& next() {
    edge_->next(slot_, frame_);
    return frame_;
  }
  // The next frame to the client as text: "text:abc." is a whole message, without the dot a part.
  std::string out() {
    if (next().kind != Output::message) return "no message";
    std::string text = frame_.message.text ? "text:" : "binary:";
    text.append(frame_.data).append(frame_.more);
    edge_->consumed(slot_, frame_.data.size() + frame_.more.size());
    return text + (frame_.message.last ? "." : "");
  }
  std::string in() {
    WorkerPort::InboxFrame frame;
    if (!worker_->next_in_inbox(frame)) return "nothing";
    std::string text(frame.data);
    text.append(frame.more);
    if (frame.type == FrameType::close) text = "close " + std::to_string(frame.close_code) + text;
    worker_->done_in_inbox();
    return text;
  }

  std::unique_ptr<Mapping> mapping_;
  std::unique_ptr<EdgeChannel> channel_;
  std::unique_ptr<EdgePort> edge_;
  std::unique_ptr<WorkerPort> worker_;
  Fd edge_bell_, worker_bell_;
  TakenRequest taken_;
  u32 slot_ = 0;
  EdgePort::Frame frame_;
};

TEST_F(SocketRig, CarriesMessagesBothWays) {
  accept();
  std::string_view hello = "hello";
  EXPECT_TRUE(worker_->write_message(Kind::text, hello));
  std::string_view empty;
  EXPECT_TRUE(worker_->write_message(Kind::binary, empty));
  worker_->flush();
  EXPECT_EQ(out(), "text:hello.");
  EXPECT_EQ(out(), "binary:.");
  edge_->put_message(slot_, FrameType::text, "from the client");
  edge_->put_close(slot_, 1001, "away");
  EXPECT_EQ(in(), "from the client");
  EXPECT_EQ(in(), "close 1001away");
  EXPECT_EQ(in(), "nothing");
  worker_->write_close(1000, "bye");
  worker_->finish(WorkerPort::Ending::complete);
  EXPECT_EQ(next().kind, Output::close);
  EXPECT_EQ(frame_.close.code, 1000);
  EXPECT_EQ(frame_.close.reason, "bye");
  EXPECT_EQ(next().kind, Output::end);
  edge_->done(slot_);
  EXPECT_EQ(edge_->sockets_in_use(), 0u);
  EXPECT_EQ(worker_->sockets(), 0u);
}

TEST_F(SocketRig, IsNoLongerOnTheBoardOnceItIsAccepted) {
  EXPECT_NE(mapping_->endpoint(3).started_ns.load(), 0);
  accept();
  EXPECT_EQ(mapping_->endpoint(3).started_ns.load(), 0);
  EXPECT_EQ(mapping_->endpoint(3).sockets.load(), 1u);
}

TEST_F(SocketRig, SendsALargeMessageInParts) {
  accept();
  const std::string large(150'000, 'x');
  std::string_view rest = large;
  std::string whole;
  for (bool done = false; !done;) {
    done = worker_->write_message(Kind::binary, rest);
    worker_->flush();
    EXPECT_EQ(worker_->ask_for_room(0) || done, true);
    for (std::string piece = out(); piece != "no message"; piece = out()) {
      whole += piece.substr(7);
    }
  }
  EXPECT_EQ(whole, large + ".");
}

TEST_F(SocketRig, LeavesRoomForTheCloseWhenARingIsFull) {
  accept();
  const std::string piece(1000, 'p');
  while (edge_->inbox_room(slot_) >= piece.size()) {
    edge_->put_message(slot_, FrameType::binary, piece);
  }
  edge_->put_close(slot_, 1006, std::string(200, 'r'));
  std::string_view message = piece;
  while (worker_->write_message(Kind::text, message)) message = piece;
  worker_->write_close(1011, std::string(200, 'r'));
  worker_->finish(WorkerPort::Ending::complete);
  std::string last;
  for (std::string one = in(); one != "nothing"; one = in()) last = one;
  EXPECT_EQ(last, "close 1006" + std::string(123, 'r'));
  while (next().kind == Output::message)
    edge_->consumed(slot_, frame_.data.size() + frame_.more.size());
  EXPECT_EQ(frame_.kind, Output::close);
}

TEST_F(SocketRig, StaysInTheFirstPagesOfItsRings) {
  accept();
  const std::string piece(300, 'p');
  for (int i = 0; i < 2000; ++i) {
    edge_->put_message(slot_, FrameType::binary, piece);
    EXPECT_EQ(in(), piece);
    std::string_view message = piece;
    EXPECT_TRUE(worker_->write_message(Kind::text, message));
    worker_->flush();
    EXPECT_EQ(out(), "text:" + piece + ".");
  }
  const std::string_view inbox(mapping_->inbox(slot_), mapping_->shape().inbox_bytes);
  const std::string_view ring(mapping_->response_ring(slot_), mapping_->shape().response_bytes);
  EXPECT_EQ(inbox.substr(hot_bytes + 1024).find('p'), inbox.npos);
  EXPECT_EQ(ring.substr(hot_bytes + 1024).find('p'), ring.npos);
}

TEST_F(SocketRig, RingsOnceForWhoWaitsAndNotForWhoDoesNot) {
  accept();
  ASSERT_TRUE(worker_->begin_listening());
  edge_->put_message(slot_, FrameType::text, "nobody waits for it");
  edge_->ring();
  EXPECT_FALSE(is_rung(worker_bell_.get()));
  EXPECT_EQ(in(), "nobody waits for it");
  EXPECT_FALSE(worker_->ask_for_message());
  edge_->put_message(slot_, FrameType::text, "one");
  edge_->put_message(slot_, FrameType::text, "two");
  EXPECT_FALSE(is_rung(worker_bell_.get()));
  edge_->ring();
  EXPECT_TRUE(is_rung(worker_bell_.get()));
  u32 rung = 0;
  EXPECT_EQ(worker_->for_each_rung([&](u32 slot) { rung = slot; }), 1u);
  EXPECT_EQ(rung, slot_);
  EXPECT_EQ(worker_->for_each_rung([](u32) {}), 0u);
  EXPECT_TRUE(worker_->ask_for_message());
}

TEST_F(SocketRig, SeesABitThatWasSetWhileItWasAwake) {
  accept();
  EXPECT_FALSE(worker_->ask_for_message());
  edge_->put_message(slot_, FrameType::text, "early");
  edge_->ring();
  EXPECT_FALSE(is_rung(worker_bell_.get()));
  EXPECT_FALSE(worker_->begin_listening());
}

TEST_F(SocketRig, TellsTheWorkerOfTheClientsEndThoughNobodyWaits) {
  accept();
  ASSERT_TRUE(worker_->begin_listening());
  edge_->put_close(slot_, 1006, "");
  edge_->abandon(slot_);
  edge_->ring();
  EXPECT_TRUE(is_rung(worker_bell_.get()));
  EXPECT_TRUE(worker_->cancelled());
  // What had come before can still be read.
  EXPECT_EQ(in(), "close 1006");
  worker_->finish(WorkerPort::Ending::broken);
  edge_->for_each_dirty([](u32) { FAIL() << "it has no owner"; });
  EXPECT_EQ(edge_->in_use(), 0u);
}

TEST_F(SocketRig, TellsTheEdgeWhenThereIsRoomAgain) {
  accept();
  edge_->for_each_dirty([](u32) {});
  while (edge_->inbox_room(slot_) > 0) {
    edge_->put_message(slot_, FrameType::binary, std::string(500, 'p'));
  }
  u32 news = 0;
  for (int i = 0; i < 4; ++i) in();
  edge_->for_each_dirty([&](u32) { ++news; });
  EXPECT_EQ(news, 0u) << "a little room is no news";
  while (in() != "nothing") {
  }
  edge_->for_each_dirty([&](u32) { ++news; });
  EXPECT_EQ(news, 1u);
  EXPECT_GT(edge_->inbox_room(slot_), 0u);
}

TEST_F(SocketRig, IsCorruptWhenTheWorkerHasReadMoreThanThereWas) {
  accept();
  mapping_->slot(slot_).inbox_consumed.store(8);
  EXPECT_EQ(edge_->inbox_room(slot_), 0u);
  EXPECT_TRUE(edge_->is_corrupt(slot_));
}

TEST_F(SocketRig, IsCorruptWhenACloseSaysMoreThanItHas) {
  accept();
  worker_->write_close(1000, "bye");
  const CloseFrame lie{1000, 120, 0};
  const Ring ring(mapping_->response_ring(slot_), mapping_->shape().response_bytes);
  ring.write(taken_.written - 16, &lie, sizeof lie);
  worker_->flush();
  EXPECT_EQ(next().kind, Output::corrupt);
}

TEST(SocketQueue, WakesTheWorkerWithTheFewestSockets) {
  Fd memfd = std::move(*create_channel({.slots = 64, .edge_threads = 1}));
  const auto mapping = std::move(*Mapping::open(memfd.get()));
  std::vector<Fd> bells;
  bells.emplace_back(eventfd(0, EFD_NONBLOCK));
  const auto channel = std::move(*EdgeChannel::open(std::move(memfd), std::move(bells)));
  const Fd one(eventfd(0, EFD_NONBLOCK)), two(eventfd(0, EFD_NONBLOCK));
  channel->add_endpoint(1, Fd(dup(one.get())));
  channel->add_endpoint(2, Fd(dup(two.get())));
  silence(one.get());
  silence(two.get());
  mapping->endpoint(1).sleeping.store(1);
  mapping->endpoint(2).sleeping.store(1);
  mapping->endpoint(1).sockets.store(5);
  mapping->endpoint(2).sockets.store(4);
  channel->ring_worker_for_socket();
  EXPECT_FALSE(is_rung(one.get()));
  EXPECT_TRUE(is_rung(two.get()));
  channel->ring_worker_for_socket();
  EXPECT_TRUE(is_rung(one.get()));
}

}  // namespace
}  // namespace labcoat::channel
