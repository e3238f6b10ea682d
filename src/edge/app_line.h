// AppLine: how the requests of one edge thread wait for an app. Who may come in (the queue's
// limits, a route's), in which lane, for how long at most; and who is turned away while the queue
// stands. The queue itself is the channel's, and one for all threads.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "channel/edge_port.h"
#include "config/config.h"
#include "edge/counters.h"
#include "edge/route_places.h"
#include "edge/standing_queue.h"
#include "net/timeouts.h"
#include "routes/route.h"

namespace labcoat::edge {

// What the lines of all edge threads before one app have in common.
struct LineShare {
  std::atomic<i64> body_bytes = 0;  // of requests that wait or run
  std::atomic<i64> held = 0;        // requests that wait for a place of their route
  std::vector<std::unique_ptr<RoutePlaces>> places;  // by index of the route; null: without a limit
  // From any thread: a place of this route is for the line of that thread.
  std::function<void(int thread, int route)> give_place;
};

// A request in a line. Its timeout ends the wait.
class LineMember : public net::Timeout {
 protected:
  u32 slot_ = 0;
  i64 enqueued_ns_ = 0;  // 0: it never was in a line

 private:
  friend class AppLine;
  // entered: it has a slot; held: until its route has a place; queued: for the workers.
  enum class Stage : u8 { outside, entered, held, queued };
  Stage stage_ = Stage::outside;
  channel::Priority lane_ = channel::Priority::normal;
  bool measured_ = true;  // its wait says something about the queue
  i64 body_bytes_ = 0;
  int places_of_ = -1;  // its route, if that has places
};

// Not thread-safe.
class AppLine {
 public:
  AppLine(channel::EdgeChannel& channel, LineShare& share, const config::Config& config,
          int thread);

  channel::EdgePort& port() { return port_; }

  enum class Entry { yes, queue_full, sockets_full, bytes_full, route_full };
  // yes: the member has a slot, to be filled; then line_up() or leave().
  // WebSockets are bounded apart from requests, so that neither can keep the other out.
  using Use = channel::EdgePort::Use;
  Entry enter(LineMember& member, void* owner, const routes::Route& route, i64 body_bytes, Use use);
  void line_up(LineMember& member, i64 now);
  // Once more, after its worker has died.
  void line_up_again(LineMember& member, i64 now);

  // The ways out; the slot is not the member's any more. Its answer is complete; it took a worker
  // so long (-1: that says nothing):
  void done(LineMember& member, i64 now, i64 service_ns);
  // Nobody wants it.
  void leave(LineMember& member);
  // True: no worker has it, and it is out. False: a worker has it.
  bool withdraw(LineMember& member);

  // Of a member that has just been withdrawn because its time was up: whether that was for the sake
  // of the others, and long before queue_wait.
  bool was_shed(const LineMember& member, i64 now);
  // Seconds; somewhat different for each, so that they do not all come back at once.
  i64 retry_after(i64 now, u64 id);

  // The share's word has come: a place of this route is for this line.
  void give_place(int route);
  // No place is passed on any more: the threads go.
  void close() { closed_ = true; }

  // Fires the timeouts of those who have waited too long.
  void expire(i64 now);
  // As TimeoutQueue::next_in.
  i64 next_in(i64 now);

 private:
  net::TimeoutQueue& lane(channel::Priority priority) {
    return lanes_[static_cast<size_t>(priority)];
  }
  bool has_room(channel::Priority priority) const;
  bool take_bytes(LineMember& member, i64 bytes);
  void give_bytes_back(LineMember& member);
  void drop_held(LineMember& member);
  void pass_place(int route);
  void see_taken(i64 now);
  void note_taken(LineMember& member, i64 now);
  i64 early_ns(i64 now);

  LineShare& share_;
  const int thread_;
  const u32 slots_max_;  // of normal requests; those of low priority may have half of it
  const u32 sockets_max_;
  const i64 body_bytes_max_;
  const i64 queue_wait_ns_;
  channel::EdgePort port_;
  StandingQueue standing_;
  std::array<net::TimeoutQueue, channel::lane_count> lanes_;
  net::TimeoutQueue held_;
  std::vector<std::deque<LineMember*>> held_by_route_;
  bool closed_ = false;
};

}  // namespace labcoat::edge
