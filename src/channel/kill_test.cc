// Workers on the real WorkerPort, killed by SIGKILL at any moment of the protocol, and an EdgePort
// that goes on: every request comes to its end, and no answer reaches another request. With
// LABCOAT_LONG=1 as often as the project promises.
#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <poll.h>
#include <random>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "channel/edge_port.h"
#include "channel/worker_port.h"

namespace labcoat::channel {
namespace {

using Output = EdgePort::Output;

constexpr u32 workers = 3;
constexpr size_t requests_at_once = 24;
constexpr Geometry geometry = {
    .slots = 64, .endpoints = workers, .request_bytes = 2048, .response_bytes = 4096};
// Nothing may take as long, on whatever machine.
constexpr int wedged_after_ms = 30'000;

// The answer to a request, known from its number alone. Every eighth is longer than the ring, so
// that its worker has to wait for room.
std::string answer_of(u64 number) {
  std::string text = std::to_string(number) + ",";
  const size_t bytes = number % 8 == 0 ? 9000 : number % 200;
  while (text.size() < bytes) text.append(std::to_string(number)).push_back(',');
  return text;
}

void begin_answer(WorkerPort& port) {
  const std::string number(port.target());
  const NameValue fields[] = {{"Number", number}};
  port.write_head(200, -1, "OK", fields);
}

// Takes up to `count` requests at once and answers them by turns, as an event loop does; by one it
// is a WSGI worker.
[[noreturn]] void work_until_killed(WorkerPort& port, size_t count) {
  std::vector<TakenRequest> taken(count);
  for (;;) {
    size_t held = 0;
    while (held < count && port.take(taken[held])) {
      begin_answer(port);
      ++held;
    }
    for (size_t i = 0; i < held; ++i) {
      port.use(taken[i]);
      port.write_data(answer_of(std::stoull(std::string(port.target()))));
      port.finish(WorkerPort::Ending::complete);
    }
    if (held == 0) port.wait();
  }
}

class KilledWorkers : public ::testing::Test {
 protected:
  KilledWorkers() {
    Fd memfd = std::move(*create_channel(geometry));
    mapping_ = std::move(*Mapping::open(memfd.get()));
    edge_bell_ = Fd(eventfd(0, EFD_NONBLOCK));
    std::vector<Fd> bells;
    bells.emplace_back(dup(edge_bell_.get()));
    channel_ = std::move(*EdgeChannel::open(std::move(memfd), std::move(bells)));
    port_ = std::make_unique<EdgePort>(*channel_, 0);
    port_->on_place_free = [this](u16) { --places_; };
    for (u32 endpoint = 0; endpoint < workers; ++endpoint) start(endpoint);
  }

  ~KilledWorkers() override {
    for (const pid_t pid : pids_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  void start(u32 endpoint) {
    Fd bell(eventfd(0, EFD_NONBLOCK));
    ASSERT_TRUE(channel_->add_endpoint(endpoint, Fd(dup(bell.get()))));
    const size_t count = random_() % 3 == 0 ? 4 : 1;
    const pid_t pid = fork();
    ASSERT_GE(pid, 0);
    if (pid == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      WorkerPort port(*mapping_, {.endpoint = endpoint,
                                  .doorbell = bell.get(),
                                  .edge_doorbells = {edge_bell_.get()},
                                  .rings_in_turns = count > 1});
      work_until_killed(port, count);
    }
    pids_[endpoint] = pid;
  }

  void kill_one() {
    const u32 endpoint = static_cast<u32>(random_() % workers);
    ::kill(pids_[endpoint], SIGKILL);
    ::waitpid(pids_[endpoint], nullptr, 0);
    channel_->remove_endpoint(endpoint);
    port_->bury(endpoint, [&](u32 slot) { on_orphan(slot); });
    start(endpoint);
  }

  void send_one() {
    const auto slot = port_->acquire(this);
    if (!slot) return;  // full of abandoned ones
    const u64 number = ++sent_;
    const std::string text = std::to_string(number);
    RequestInfo& info = port_->info(*slot);
    info = {};
    RequestWriter writer = port_->write(*slot);
    ASSERT_TRUE(writer.text({.method = "GET",
                             .target = text,
                             .path = text,
                             .query = "",
                             .server_name = "here",
                             .remote_address = ""}));
    writer.begin_body();
    port_->occupy(*slot, static_cast<u16>(number % 1000));
    ++places_;
    waiting_[*slot] = {number, {}, false};
    port_->enqueue(*slot, static_cast<Priority>(number % lane_count));
    port_->ring();
  }

  // Now and then a client goes.
  void lose_a_client() {
    if (waiting_.empty()) return;
    auto at = waiting_.begin();
    std::advance(at, random_() % waiting_.size());
    port_->abandon(at->first);
    waiting_.erase(at);
    ++gone_;
  }

  // True: the slot is done with.
  bool read(u32 slot) {
    Waiting& one = waiting_.at(slot);
    EdgePort::Frame frame;
    for (;;) {
      port_->next(slot, frame);
      switch (frame.kind) {
        case Output::nothing_yet:
          return false;
        case Output::head:
          one.begun = true;
          EXPECT_NE(frame.head.fields.find(std::to_string(one.number)), frame.head.fields.npos)
              << "the head of another answer";
          break;
        case Output::data:
          one.body.append(frame.data).append(frame.more);
          port_->consumed(slot, frame.data.size() + frame.more.size());
          break;
        case Output::end:
          EXPECT_EQ(one.body, answer_of(one.number)) << "the answer of another request";
          port_->done(slot);
          waiting_.erase(slot);
          ++answered_;
          return true;
        default:
          ADD_FAILURE() << "frame of kind " << static_cast<int>(frame.kind);
          port_->done(slot);
          waiting_.erase(slot);
          return true;
      }
    }
  }

  // As Exchange::on_worker_death does it.
  void on_orphan(u32 slot) {
    Waiting& one = waiting_.at(slot);
    if (!one.begun && !port_->has_ended(slot)) {
      ++repeated_;
      port_->requeue(slot);
      return;
    }
    if (read(slot)) return;
    ++broken_;
    port_->free_dead(slot);
    waiting_.erase(slot);
  }

  void look() {
    port_->for_each_dirty([&](u32 slot) { read(slot); });
    port_->ring();
  }

  // False: it was not rung in this time.
  bool sleep(bool light, int timeout_ms) {
    bool rung = true;
    if (port_->begin_sleep(light)) {
      pollfd bell{edge_bell_.get(), POLLIN, 0};
      rung = ::poll(&bell, 1, timeout_ms) > 0;
    }
    port_->end_sleep();
    u64 count;
    [[maybe_unused]] const ssize_t got = ::read(edge_bell_.get(), &count, sizeof count);
    return rung;
  }

  // Nobody is killed: every answer comes, and with it a bell for who sleeps deeply.
  void expect_all_answered() {
    look();
    while (port_->in_use() > 0) {
      ASSERT_TRUE(sleep(false, wedged_after_ms)) << port_->in_use() << " requests are stuck";
      look();
    }
    EXPECT_TRUE(waiting_.empty());
    EXPECT_EQ(places_, 0);
  }

  struct Waiting {
    u64 number = 0;
    std::string body;
    bool begun = false;
  };
  const u64 seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  std::unique_ptr<Mapping> mapping_;
  Fd edge_bell_;
  std::unique_ptr<EdgeChannel> channel_;
  std::unique_ptr<EdgePort> port_;
  std::array<pid_t, workers> pids_{};
  std::map<u32, Waiting> waiting_;  // by slot
  u64 sent_ = 0, answered_ = 0, repeated_ = 0, broken_ = 0, gone_ = 0;
  i64 places_ = 0;
};

TEST_F(KilledWorkers, LoseNoRequestMixUpNoAnswerAndWedgeNoQueue) {
  SCOPED_TRACE(seed_);
  const int kills = std::getenv("LABCOAT_LONG") != nullptr ? 10'000 : 300;
  for (int killed = 0; killed < kills && !HasFailure(); ++killed) {
    const i64 kill_at = now_ns() + static_cast<i64>(random_() % 800'000);
    while (now_ns() < kill_at) {
      while (waiting_.size() < requests_at_once && port_->in_use() < geometry.slots) send_one();
      if (random_() % 64 == 0) lose_a_client();
      look();
      if (random_() % 16 == 0) sleep(random_() % 2 == 0, 1);
    }
    kill_one();
    if (killed % 100 == 99) expect_all_answered();
  }
  expect_all_answered();
  EXPECT_EQ(answered_ + broken_ + gone_, sent_);
  EXPECT_GT(repeated_, 0u);
  std::printf(
      "%d kills: %llu requests, %llu answered, %llu given to another worker, %llu cut in "
      "their answer, %llu left by their client\n",
      kills, static_cast<unsigned long long>(sent_), static_cast<unsigned long long>(answered_),
      static_cast<unsigned long long>(repeated_), static_cast<unsigned long long>(broken_),
      static_cast<unsigned long long>(gone_));
}

}  // namespace
}  // namespace labcoat::channel
