#include "edge/app_line.h"

#include <algorithm>

#include "base/check.h"

namespace labcoat::edge {

using channel::Priority;

AppLine::AppLine(channel::EdgeChannel& channel, LineShare& share, const config::Config& config,
                 int thread)
    : share_(share),
      thread_(thread),
      // The channel has slots by the 64, and more of them for high priority; the limit is what was
      // configured, in equal shares.
      slots_max_(
          static_cast<u32>((config.limits.queue + config.edge_threads - 1) / config.edge_threads)),
      sockets_max_(static_cast<u32>((config.limits.websockets + config.edge_threads - 1) /
                                    config.edge_threads)),
      body_bytes_max_(config.limits.queue_bytes),
      queue_wait_ns_(config.limits.queue_wait_ns),
      port_(channel, static_cast<u32>(thread)),
      standing_(config.limits.shed_wait_ns, config.limits.shed_interval_ns),
      lanes_{net::TimeoutQueue(queue_wait_ns_), net::TimeoutQueue(queue_wait_ns_),
             net::TimeoutQueue(queue_wait_ns_)},
      held_(queue_wait_ns_),
      held_by_route_(share.places.size()) {
  port_.on_place_free = [this](u16 route) { pass_place(route); };
}

bool AppLine::has_room(Priority priority) const {
  if (priority == Priority::high) return true;  // up to the last slot
  const u32 slots = priority == Priority::low ? std::max(1u, slots_max_ / 2) : slots_max_;
  return port_.in_use() - port_.sockets_in_use() < slots;
}

// One request may be as large as it likes while it is alone.
bool AppLine::take_bytes(LineMember& member, i64 bytes) {
  member.body_bytes_ = bytes;
  if (bytes == 0) return true;
  const i64 before = share_.body_bytes.fetch_add(bytes, std::memory_order_relaxed);
  if (before <= 0 || before + bytes <= body_bytes_max_) return true;
  give_bytes_back(member);
  return false;
}

void AppLine::give_bytes_back(LineMember& member) {
  if (member.body_bytes_ == 0) return;
  share_.body_bytes.fetch_sub(member.body_bytes_, std::memory_order_relaxed);
  member.body_bytes_ = 0;
}

AppLine::Entry AppLine::enter(LineMember& member, void* owner, const routes::Route& route,
                              i64 body_bytes, Use use) {
  member.lane_ = route.priority;
  member.measured_ = route.priority == Priority::normal;
  const auto index = static_cast<size_t>(route.places);  // of -1: beyond the end
  const bool limited = index < share_.places.size() && share_.places[index] != nullptr;
  member.places_of_ = limited ? route.places : -1;
  if (use == Use::socket) {
    if (port_.sockets_in_use() >= sockets_max_) return Entry::sockets_full;
  } else if (!has_room(member.lane_)) {
    return Entry::queue_full;
  }
  if (!take_bytes(member, body_bytes)) return Entry::bytes_full;
  const auto slot = port_.acquire(owner, use);
  if (!slot) {
    give_bytes_back(member);
    return Entry::queue_full;
  }
  member.slot_ = *slot;
  member.stage_ = LineMember::Stage::entered;
  if (!limited) return Entry::yes;
  switch (share_.places[index]->enter(thread_)) {
    case RoutePlaces::Entry::taken:
      port_.occupy(*slot, static_cast<u16>(route.places));
      break;
    case RoutePlaces::Entry::waiting:
      member.stage_ = LineMember::Stage::held;
      member.measured_ = false;  // it waits for its own kind
      held_by_route_[index].push_back(&member);
      share_.held.fetch_add(1, std::memory_order_relaxed);
      break;
    case RoutePlaces::Entry::full:
      port_.release(*slot);
      give_bytes_back(member);
      member.stage_ = LineMember::Stage::outside;
      return Entry::route_full;
  }
  return Entry::yes;
}

void AppLine::line_up(LineMember& member, i64 now) {
  member.enqueued_ns_ = now;
  if (member.stage_ == LineMember::Stage::held) {
    held_.arm(member, now);
    return;
  }
  member.stage_ = LineMember::Stage::queued;
  lane(member.lane_).arm(member, now);
  port_.enqueue(member.slot_, member.lane_);
}

void AppLine::line_up_again(LineMember& member, i64 now) {
  member.measured_ = false;  // its wait includes the first try
  lane(member.lane_).arm(member, now);
  port_.requeue(member.slot_);
}

void AppLine::done(LineMember& member, i64 now, i64 service_ns) {
  note_taken(member, now);
  if (service_ns >= 0) standing_.served(service_ns);
  member.disarm();
  give_bytes_back(member);
  member.stage_ = LineMember::Stage::outside;
  port_.done(member.slot_);
}

void AppLine::leave(LineMember& member) {
  member.disarm();
  give_bytes_back(member);
  if (member.stage_ == LineMember::Stage::held) {
    drop_held(member);
  } else if (member.stage_ == LineMember::Stage::entered) {
    port_.release(member.slot_);
  } else {
    port_.abandon(member.slot_);
  }
  member.stage_ = LineMember::Stage::outside;
}

bool AppLine::withdraw(LineMember& member) {
  if (member.stage_ != LineMember::Stage::held && !port_.withdraw(member.slot_)) return false;
  if (member.stage_ == LineMember::Stage::held) drop_held(member);
  member.disarm();
  give_bytes_back(member);
  member.stage_ = LineMember::Stage::outside;
  return true;
}

void AppLine::drop_held(LineMember& member) {
  std::erase(held_by_route_[static_cast<size_t>(member.places_of_)], &member);
  share_.held.fetch_sub(1, std::memory_order_relaxed);
  share_.places[static_cast<size_t>(member.places_of_)]->forget(thread_);
  port_.release(member.slot_);
}

void AppLine::pass_place(int route) {
  if (closed_) return;
  const int thread = share_.places[static_cast<size_t>(route)]->leave();
  if (thread == RoutePlaces::nobody) return;
  if (thread == thread_) {
    give_place(route);
  } else {
    share_.give_place(thread, route);
  }
}

void AppLine::give_place(int route) {
  auto& held = held_by_route_[static_cast<size_t>(route)];
  if (held.empty()) {
    pass_place(route);
    return;
  }
  LineMember& next = *held.front();
  held.pop_front();
  share_.held.fetch_sub(1, std::memory_order_relaxed);
  next.stage_ = LineMember::Stage::queued;
  port_.occupy(next.slot_, static_cast<u16>(route));
  port_.enqueue(next.slot_, next.lane_);
}

void AppLine::note_taken(LineMember& member, i64 now) {
  if (!member.measured_) return;
  member.measured_ = false;
  const i64 waited = std::min(port_.queue_wait_ns(member.slot_), now - member.enqueued_ns_);
  standing_.taken(now, waited);
}

// Workers take from a lane in its order, so those that they have are at its front.
void AppLine::see_taken(i64 now) {
  for (net::TimeoutQueue& one : lanes_) {
    while (one.first() != nullptr) {
      LineMember& member = static_cast<LineMember&>(*one.first());
      if (!port_.is_taken(member.slot_)) break;
      member.disarm();
      note_taken(member, now);
    }
  }
}

// So long before queue_wait everybody has to go.
i64 AppLine::early_ns(i64 now) {
  if (!standing_.stands(now)) return 0;
  return std::max<i64>(0, queue_wait_ns_ - standing_.limit_ns());
}

void AppLine::expire(i64 now) {
  see_taken(now);
  const i64 early = early_ns(now);
  lane(Priority::high).expire(now);
  lane(Priority::normal).expire(now + early);
  lane(Priority::low).expire(now + early);
  held_.expire(now);
}

i64 AppLine::next_in(i64 now) {
  i64 shortest = -1;
  const auto add = [&](i64 next) {
    if (next >= 0 && (shortest < 0 || next < shortest)) shortest = next;
  };
  const i64 early = early_ns(now);
  add(lane(Priority::high).next_in(now));
  add(lane(Priority::normal).next_in(now + early));
  add(lane(Priority::low).next_in(now + early));
  add(held_.next_in(now));
  return shortest;
}

bool AppLine::was_shed(const LineMember& member, i64 now) {
  if (now - member.enqueued_ns_ >= queue_wait_ns_) return false;
  standing_.shed(now);
  return true;
}

i64 AppLine::retry_after(i64 now, u64 id) {
  // Those that are WebSockets keep nobody waiting.
  const u32 requests = port_.outstanding() - std::min(port_.outstanding(), port_.sockets_in_use());
  const i64 least = standing_.retry_after(now, requests);
  return least + static_cast<i64>(id % static_cast<u64>(least));
}

}  // namespace labcoat::edge
