#include <cstring>
#include <gtest/gtest.h>
#include <random>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "channel/control_message.h"
#include "channel/edge_port.h"
#include "channel/worker_control.h"
#include "channel/worker_port.h"

namespace labcoat::channel {
namespace {

using Output = EdgePort::Output;

// One channel with one edge thread, and what a worker needs to join it.
class Rig {
 public:
  explicit Rig(Geometry geometry = {}) {
    Fd memfd = std::move(*create_channel(geometry));
    worker_mapping = std::move(*Mapping::open(memfd.get()));
    edge_bell_ = eventfd(0, EFD_NONBLOCK);
    std::vector<Fd> bells;
    bells.emplace_back(dup(edge_bell_));
    channel = std::move(*EdgeChannel::open(std::move(memfd), std::move(bells)));
    port = std::make_unique<EdgePort>(*channel, 0);
    int pair[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    edge_control = Fd(pair[0]);
    worker_control = Fd(pair[1]);
  }
  ~Rig() { ::close(edge_bell_); }

  WorkerPort join(u32 endpoint) {
    const int bell = eventfd(0, EFD_NONBLOCK);
    channel->add_endpoint(endpoint, Fd(dup(bell)));
    bells_.emplace_back(bell);
    return WorkerPort(*worker_mapping, {.endpoint = endpoint,
                                        .doorbell = bell,
                                        .control = worker_control.get(),
                                        .edge_doorbells = {edge_bell_},
                                        .spin_ns = 0});
  }

  u32 enqueue(const std::string& target, Priority priority = Priority::normal) {
    const auto slot = port->acquire(this);
    EXPECT_TRUE(slot.has_value());
    RequestInfo& info = port->info(*slot);
    info = {};
    RequestWriter writer = port->write(*slot);
    EXPECT_TRUE(writer.text({.method = "GET",
                             .target = target,
                             .path = target,
                             .query = "",
                             .server_name = "here",
                             .remote_address = "127.0.0.1"}));
    EXPECT_TRUE(writer.field("Host", "example"));
    writer.begin_body();
    EXPECT_TRUE(writer.body("body"));
    port->enqueue(*slot, priority);
    port->ring();
    return *slot;
  }

  // Reads a whole response that is there already: its body and how it ended.
  Output read_all(u32 slot, std::string& body) {
    EdgePort::Frame frame;
    for (;;) {
      port->next(slot, frame);
      if (frame.kind == Output::data) {
        body.append(frame.data).append(frame.more);
        port->consumed(slot, frame.data.size() + frame.more.size());
      } else if (frame.kind != Output::head) {
        return frame.kind;
      }
    }
  }

  std::unique_ptr<Mapping> worker_mapping;
  std::unique_ptr<EdgeChannel> channel;
  std::unique_ptr<EdgePort> port;
  Fd edge_control, worker_control;

 private:
  int edge_bell_;
  std::vector<Fd> bells_;
};

void answer(WorkerPort& worker, std::string_view body) {
  const NameValue fields[] = {{"Content-Type", "text/plain"}};
  worker.write_head(200, static_cast<i64>(body.size()), "OK", fields);
  worker.write_data(body);
  worker.finish(WorkerPort::Ending::complete);
}

TEST(Channel, AnEndpointMayAnswerSeveralRequestsByTurns) {
  Rig rig;
  WorkerPort worker = rig.join(3);
  const u32 slots[] = {rig.enqueue("/a"), rig.enqueue("/b"), rig.enqueue("/c")};
  TakenRequest taken[3];
  for (TakenRequest& one : taken) ASSERT_TRUE(worker.take(one));
  const Endpoint& row = rig.worker_mapping->endpoint(3);
  // The scoreboard shows the oldest that is left, whatever the order of their ends.
  for (const size_t which : {1, 0, 2}) {
    worker.use(taken[which]);
    EXPECT_EQ(worker.path(), std::string("/") + "abc"[which]);
    answer(worker, worker.path());
    const u32 oldest = entry_slot(row.current.load());
    EXPECT_EQ(oldest, slots[which == 1 ? 0 : 2]);
  }
  EXPECT_EQ(row.started_ns.load(), 0);
  EXPECT_EQ(row.requests.load(), 3u);
  for (const size_t which : {0, 1, 2}) {
    std::string body;
    EXPECT_EQ(rig.read_all(slots[which], body), Output::end);
    EXPECT_EQ(body, std::string("/") + "abc"[which]);
  }
}

TEST(Channel, AnEventLoopIsRungForRoomAndForTheClientsEndOnlyWhenItAsked) {
  Rig rig;
  WorkerPort worker = rig.join(3);
  const u32 slot = rig.enqueue("/a");
  TakenRequest taken;
  ASSERT_TRUE(worker.take(taken));
  worker.silence_doorbell();
  ASSERT_TRUE(worker.write_head(200, -1, "OK", {}));
  const std::string block(1 << 20, 'x');
  EXPECT_LT(worker.write_some(block), block.size());
  EXPECT_FALSE(worker.ask_for_room(1000));
  EXPECT_FALSE(worker.was_rung());
  EdgePort::Frame frame;
  rig.port->next(slot, frame);
  rig.port->next(slot, frame);
  ASSERT_EQ(frame.kind, Output::data);
  rig.port->consumed(slot, frame.data.size() + frame.more.size());
  EXPECT_TRUE(worker.was_rung());
  EXPECT_TRUE(worker.ask_for_room(1000));
  // Who waits for the end alone is not rung for room.
  EXPECT_FALSE(worker.ask_for_end());
  EXPECT_GT(worker.write_some("more"), 0u);
  worker.flush();
  rig.port->next(slot, frame);
  ASSERT_EQ(frame.kind, Output::data);
  rig.port->consumed(slot, frame.data.size() + frame.more.size());
  EXPECT_FALSE(worker.was_rung());
  rig.port->client_shut(slot);
  EXPECT_TRUE(worker.was_rung());
  EXPECT_TRUE(worker.client_shut());
  EXPECT_FALSE(worker.cancelled()) << "the answer may still be read";
  rig.port->abandon(slot);
  EXPECT_TRUE(worker.cancelled());
  worker.finish(WorkerPort::Ending::broken);
}

TEST(Channel, ARequestArrivesWithAllItsPartsAndTheAnswerComesBack) {
  Rig rig;
  WorkerPort worker = rig.join(3);
  EXPECT_FALSE(worker.take());
  const u32 slot = rig.enqueue("/a");
  ASSERT_TRUE(worker.take());
  EXPECT_EQ(worker.method(), "GET");
  EXPECT_EQ(worker.path(), "/a");
  EXPECT_EQ(worker.server_name(), "here");
  EXPECT_EQ(worker.inline_body(), "body");
  FieldReader fields = worker.fields();
  NameValue field;
  ASSERT_TRUE(fields.next(field));
  EXPECT_EQ(field.name, "Host");
  EXPECT_EQ(field.value, "example");
  EXPECT_FALSE(fields.next(field));
  answer(worker, "hello");

  std::vector<u32> dirty;
  rig.port->for_each_dirty([&](u32 one) { dirty.push_back(one); });
  ASSERT_EQ(dirty, std::vector<u32>{slot});
  EdgePort::Frame frame;
  rig.port->next(slot, frame);
  ASSERT_EQ(frame.kind, Output::head);
  EXPECT_EQ(frame.head.status, 200);
  EXPECT_EQ(frame.head.body_bytes, 5);
  EXPECT_EQ(frame.head.reason, "OK");
  EXPECT_EQ(frame.head.field_count, 1u);
  std::string body;
  EXPECT_EQ(rig.read_all(slot, body), Output::end);
  EXPECT_EQ(body, "hello");
  rig.port->done(slot);
  EXPECT_EQ(rig.port->in_use(), 0u);
}

TEST(Channel, RequestsAreTakenInTheOrderTheyCame) {
  Rig rig;
  WorkerPort worker = rig.join(0);
  for (int i = 0; i < 200; ++i) rig.enqueue("/" + std::to_string(i));
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(worker.take());
    EXPECT_EQ(worker.path(), "/" + std::to_string(i));
    worker.finish(WorkerPort::Ending::broken);
  }
}

TEST(Channel, AHigherPriorityIsTakenFirstHoweverLateItCame) {
  Rig rig;
  WorkerPort worker = rig.join(0);
  rig.enqueue("/low", Priority::low);
  rig.enqueue("/normal");
  rig.enqueue("/high", Priority::high);
  rig.enqueue("/high2", Priority::high);
  EXPECT_EQ(worker.waiting(), 4u);
  EXPECT_EQ(rig.channel->queue_depth(), 4u);
  std::vector<std::string> seen;
  while (worker.take()) {
    seen.emplace_back(worker.path());
    worker.finish(WorkerPort::Ending::broken);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"/high", "/high2", "/normal", "/low"}));
  EXPECT_FALSE(worker.has_work());
}

TEST(Channel, ARepeatedRequestKeepsItsPriority) {
  Rig rig;
  WorkerPort dead = rig.join(0);
  const u32 slot = rig.enqueue("/high", Priority::high);
  ASSERT_TRUE(dead.take());
  rig.enqueue("/normal");
  rig.channel->remove_endpoint(0);
  rig.port->bury(0, [&](u32) { rig.port->requeue(slot); });
  WorkerPort worker = rig.join(1);
  ASSERT_TRUE(worker.take());
  EXPECT_EQ(worker.path(), "/high");
}

TEST(Channel, APlaceIsOccupiedAsLongAsItsSlotAlsoWhenTheClientHasGone) {
  Rig rig;
  WorkerPort worker = rig.join(0);
  std::vector<u16> freed;
  rig.port->on_place_free = [&](u16 place) { freed.push_back(place); };
  const u32 slot = rig.enqueue("/report");
  rig.port->occupy(slot, 7);
  rig.enqueue("/other");
  ASSERT_TRUE(worker.take());
  rig.port->abandon(slot);
  EXPECT_TRUE(freed.empty()) << "the worker still works on it";
  worker.finish(WorkerPort::Ending::complete);
  rig.port->for_each_dirty([](u32) {});
  EXPECT_EQ(freed, std::vector<u16>{7});
}

TEST(Channel, AWithdrawnRequestIsNeverSeenByAWorker) {
  Rig rig;
  WorkerPort worker = rig.join(0);
  const u32 first = rig.enqueue("/first");
  rig.enqueue("/second");
  EXPECT_TRUE(rig.port->withdraw(first));
  ASSERT_TRUE(worker.take());
  EXPECT_EQ(worker.path(), "/second");
  EXPECT_FALSE(rig.port->withdraw(first + 1)) << "a worker has it";
}

TEST(Channel, AQueueFullOfWithdrawnRequestsStillTakesNewOnes) {
  Rig rig({.slots = 64});
  WorkerPort worker = rig.join(0);
  const u32 kept = rig.enqueue("/kept");
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(rig.port->withdraw(rig.enqueue("/gone")));
  rig.enqueue("/last");
  ASSERT_TRUE(worker.take());
  EXPECT_EQ(worker.path(), "/kept");
  EXPECT_EQ(worker.slot(), kept);
  worker.finish(WorkerPort::Ending::broken);
  ASSERT_TRUE(worker.take());
  EXPECT_EQ(worker.path(), "/last");
}

TEST(Channel, AHeadThatACorruptWorkerMovedCostsNoRequest) {
  Rig rig({.slots = 64});
  WorkerPort worker = rig.join(0);
  rig.enqueue("/first");
  rig.worker_mapping->lane(Priority::normal).head.store(u64{1} << 60);
  EXPECT_FALSE(worker.take());
  rig.enqueue("/second");  // the edge notices that the head is beyond the tail
  std::vector<std::string> seen;
  while (worker.take()) {
    seen.emplace_back(worker.path());
    worker.finish(WorkerPort::Ending::broken);
  }
  EXPECT_EQ(seen, (std::vector<std::string>{"/first", "/second"}));
}

TEST(Channel, AWorkerThatSleptBeforeTheEdgeKnewItIsWokenForWhatCameMeanwhile) {
  Rig rig;
  const int bell = eventfd(0, EFD_NONBLOCK);
  WorkerPort worker(*rig.worker_mapping, {.endpoint = 9,
                                          .doorbell = bell,
                                          .control = rig.worker_control.get(),
                                          .edge_doorbells = {bell},
                                          .spin_ns = 0});
  rig.worker_mapping->endpoint(9).sleeping.store(1);  // it looked at the empty queue and sleeps
  rig.enqueue("/early");                              // nobody to ring yet
  rig.channel->add_endpoint(9, Fd(dup(bell)));
  u64 rings = 0;
  EXPECT_EQ(::read(bell, &rings, sizeof rings), static_cast<ssize_t>(sizeof rings))
      << "the doorbell was not rung: the worker sleeps on";
  ::close(bell);
}

TEST(Channel, AResponseLargerThanTheRingFlowsAsTheEdgeMakesRoom) {
  Rig rig;
  WorkerPort worker = rig.join(0);
  const u32 slot = rig.enqueue("/big");
  std::string sent(3'000'000, ' ');
  std::mt19937 random(1);
  for (char& c : sent) c = static_cast<char>(random());
  std::thread producer([&] {
    ASSERT_TRUE(worker.take());
    answer(worker, sent);
  });
  std::string body;
  Output last = Output::nothing_yet;
  while (last == Output::nothing_yet) {
    last = rig.read_all(slot, body);
    std::this_thread::yield();
  }
  producer.join();
  EXPECT_EQ(last, Output::end);
  EXPECT_TRUE(body == sent);
}

TEST(Channel, AnAbandonedRequestStopsItsWorkerAndFreesItsSlotWhenItEnds) {
  Rig rig;
  WorkerPort worker = rig.join(0);
  const u32 slot = rig.enqueue("/x");
  ASSERT_TRUE(worker.take());
  rig.port->abandon(slot);
  EXPECT_TRUE(worker.cancelled());
  EXPECT_FALSE(worker.write_data(std::string(1'000'000, 'x')));
  EXPECT_EQ(rig.port->in_use(), 1u);
  worker.finish(WorkerPort::Ending::complete);
  rig.port->for_each_dirty([](u32) { FAIL() << "it has no owner"; });
  EXPECT_EQ(rig.port->in_use(), 0u);
}

TEST(Channel, AWorkerWhoseEdgeIsGoneDoesNotWaitForRoom) {
  Rig rig;
  WorkerPort worker = rig.join(0);
  rig.enqueue("/x");
  ASSERT_TRUE(worker.take());
  rig.edge_control.reset();
  EXPECT_FALSE(worker.write_data(std::string(1'000'000, 'x')));
}

TEST(Channel, BodyFilesAreAskedForAndSent) {
  Rig rig;
  WorkerPort worker = rig.join(7);
  rig.enqueue("/x");
  ASSERT_TRUE(worker.take());
  std::thread edge([&] {
    Message message;
    Fd none;
    while (receive_message(rig.edge_control.get(), message, none) == Received::nothing_yet) {
      std::this_thread::yield();
    }
    EXPECT_EQ(message.endpoint, 7u);
    Message stale = message;
    stale.generation += 1;  // an answer to somebody else comes first
    ASSERT_TRUE(send_message(rig.edge_control.get(), stale, STDIN_FILENO));
    const Fd file(memfd_create("body", MFD_CLOEXEC));
    ASSERT_EQ(::write(file.get(), "data", 4), 4);
    ASSERT_TRUE(send_message(rig.edge_control.get(), message, file.get()));
  });
  WorkerControl control(rig.worker_control.get());
  const auto file = control.fetch_body(worker, 7);
  edge.join();
  ASSERT_TRUE(file) << file.error().text;
  char text[5] = "";
  EXPECT_EQ(::pread(file->get(), text, 4, 0), 4);
  EXPECT_STREQ(text, "data");
}

TEST(Channel, WhatAWorkerScribblesIsCorruptAndNeverMore) {
  const u64 seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 2000; ++round) {
    Rig rig({.slots = 64, .endpoints = 8, .request_bytes = 4096, .response_bytes = 4096});
    WorkerPort worker = rig.join(0);
    const u32 slot = rig.enqueue("/x");
    ASSERT_TRUE(worker.take());
    char* ring = rig.worker_mapping->response_ring(slot);
    for (size_t i = 0; i < 4096; i += 4) {
      const u32 word =
          random() % 4 == 0 ? static_cast<u32>(random() % 7) : static_cast<u32>(random() % 600);
      std::memcpy(ring + i, &word, 4);
    }
    rig.worker_mapping->slot(slot).written.store(random() % 3 == 0 ? random()
                                                                   : random() % 5000 & ~u64{7});
    std::string body;
    const Output last = rig.read_all(slot, body);
    EXPECT_TRUE(last != Output::head && last != Output::data);
    if (last != Output::nothing_yet && last != Output::file) rig.port->done(slot);
  }
}

TEST(Channel, AFileThatIsNoChannelIsRefused) {
  const Fd file(memfd_create("other", MFD_CLOEXEC));
  ASSERT_EQ(ftruncate(file.get(), 1 << 20), 0);
  EXPECT_FALSE(Mapping::open(file.get()));
}

TEST(Channel, ItsFileCannotBeShrunkUnderTheEdge) {
  const Fd file = std::move(*create_channel({}));
  EXPECT_NE(ftruncate(file.get(), 4096), 0);
}

}  // namespace
}  // namespace labcoat::channel
