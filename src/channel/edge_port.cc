#include "channel/edge_port.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace labcoat::channel {

EdgePort::EdgePort(EdgeChannel& channel, u32 thread)
    : channel_(channel),
      mapping_(channel.mapping()),
      thread_(thread),
      first_(thread * mapping_.shape().slots_per_thread),
      bed_(mapping_.edge_thread(thread)),
      slots_(mapping_.shape().slots_per_thread) {
  for (u32 i = mapping_.shape().slots_per_thread; i > 0; --i) free_.push_back(first_ + i - 1);
  head_copy_.reserve(4096);
}

std::optional<u32> EdgePort::acquire(void* owner, Use use) {
  if (free_.empty()) return std::nullopt;
  const u32 slot = free_.back();
  free_.pop_back();
  SlotState& state = slots_[local(slot)];
  const u32 generation = state.generation;
  state = SlotState{};
  state.generation = generation;
  state.owner = owner;
  state.used = true;
  state.socket = use == Use::socket;
  words_used_ = std::max(words_used_, local(slot) / 64 + 1);
  ++in_use_;
  if (state.socket) ++sockets_in_use_;
  return slot;
}

RequestWriter EdgePort::write(u32 slot) {
  return {mapping_.request_area(slot), mapping_.shape().request_bytes, info(slot)};
}

void EdgePort::make_free(u32 slot) {
  SlotState& state = slots_[local(slot)];
  CHECK(state.used);
  if (state.queued) --outstanding_;
  if (state.socket) --sockets_in_use_;
  ++state.generation;
  mapping_.slot(slot).claim.store(make_claim(state.generation, 0, channel::SlotState::free),
                                  std::memory_order_release);
  state.used = state.queued = state.socket = false;
  state.owner = nullptr;
  free_.push_back(slot);
  --in_use_;
  const u16 place = std::exchange(state.place, no_place);
  if (place != no_place) on_place_free(place);
}

void EdgePort::release(u32 slot) {
  make_free(slot);
}

void EdgePort::enqueue(u32 slot, Priority lane) {
  SlotState& state = slots_[local(slot)];
  state.lane = lane;
  Slot& control = mapping_.slot(slot);
  control.written.store(0, std::memory_order_relaxed);
  control.consumed.store(0, std::memory_order_relaxed);
  control.waiting_for_room.store(0, std::memory_order_relaxed);
  control.cancelled.store(0, std::memory_order_relaxed);
  control.inbox_written.store(0, std::memory_order_relaxed);
  control.inbox_consumed.store(0, std::memory_order_relaxed);
  control.waiting_for_message.store(0, std::memory_order_relaxed);
  control.waiting_for_inbox.store(0, std::memory_order_relaxed);
  state.consumed = state.payload_left = state.padding = state.inbox_written = 0;
  state.corrupt = false;
  if (!state.queued) ++outstanding_;
  state.queued = true;
  // Release: whoever takes the slot sees the request.
  control.claim.store(make_claim(state.generation, 0, channel::SlotState::ready),
                      std::memory_order_release);
  channel_.push(lane, make_entry(slot, state.generation));
  ++(state.socket ? enqueued_sockets_ : enqueued_);
}

void EdgePort::ring() {
  if (enqueued_ > 0) channel_.ring_workers(std::exchange(enqueued_, 0));
  for (; enqueued_sockets_ > 0; --enqueued_sockets_) channel_.ring_worker_for_socket();
  if (listeners_.empty()) return;
  // Pairs with the fence in WorkerPort::begin_listening.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (const u32 endpoint : listeners_) channel_.ring_listener(endpoint);
  listeners_.clear();
}

bool EdgePort::is_taken(u32 slot) const {
  const u64 claim = mapping_.slot(slot).claim.load(std::memory_order_relaxed);
  return claim_state(claim) == channel::SlotState::taken;
}

u32 EdgePort::taken_by(u32 slot) const {
  return claim_endpoint(mapping_.slot(slot).claim.load(std::memory_order_relaxed));
}

i64 EdgePort::queue_wait_ns(u32 slot) const {
  const Slot& control = mapping_.slot(slot);
  // Both words are writable by workers: any value is possible, none may overflow.
  const u64 waited = static_cast<u64>(control.taken_ns.load(std::memory_order_relaxed)) -
                     static_cast<u64>(control.request.enqueued_ns);
  return std::max<i64>(0, static_cast<i64>(waited));
}

bool EdgePort::withdraw(u32 slot) {
  const SlotState& state = slots_[local(slot)];
  u64 expected = make_claim(state.generation, 0, channel::SlotState::ready);
  const u64 free = make_claim(state.generation, 0, channel::SlotState::free);
  if (!mapping_.slot(slot).claim.compare_exchange_strong(expected, free,
                                                         std::memory_order_acq_rel)) {
    return false;
  }
  make_free(slot);
  return true;
}

void EdgePort::abandon(u32 slot) {
  if (withdraw(slot)) return;
  SlotState& state = slots_[local(slot)];
  Slot& control = mapping_.slot(slot);
  state.owner = nullptr;
  state.abandoned = true;
  control.cancelled.store(1, std::memory_order_seq_cst);
  wake_worker(slot);
  drain_abandoned(slot);  // it may have been finished already, with its dirty bit spent
}

// It has to hear of the client's end.
void EdgePort::wake_worker(u32 slot) {
  if (slots_[local(slot)].socket) {
    wake_socket(slot);
  } else if (mapping_.slot(slot).waiting_for_room.exchange(0, std::memory_order_acq_rel) != 0) {
    channel_.ring_endpoint(taken_by(slot));
  }
}

void EdgePort::client_shut(u32 slot) {
  Slot& control = mapping_.slot(slot);
  control.cancelled.store(2, std::memory_order_seq_cst);
  wake_worker(slot);
}

void EdgePort::done(u32 slot) {
  SlotState& state = slots_[local(slot)];
  if (!state.corrupt) {
    make_free(slot);
    return;
  }
  // Its worker may go on writing into it: nobody else may have the slot before that process is
  // gone.
  state.owner = nullptr;
  state.abandoned = true;
  mapping_.slot(slot).cancelled.store(1, std::memory_order_seq_cst);
}

void EdgePort::drain_abandoned(u32 slot) {
  SlotState& state = slots_[local(slot)];
  if (state.payload_left > 0) consumed(slot, state.payload_left);
  Frame frame;
  for (;;) {
    next(slot, frame);
    switch (frame.kind) {
      case Output::nothing_yet:
      case Output::corrupt:
        return;
      case Output::end:
      case Output::broken:
        make_free(slot);
        return;
      case Output::data:
      case Output::message:
        if (state.payload_left > 0) consumed(slot, state.payload_left);
        break;
      case Output::hints:
      case Output::head:
      case Output::file:
      case Output::trailers:
      case Output::accept:
      case Output::close:
        break;
    }
  }
}

void EdgePort::requeue(u32 slot) {
  SlotState& state = slots_[local(slot)];
  ++state.generation;
  info(slot).flags |= request_repeated;
  enqueue(slot, state.lane);
}

void EdgePort::free_dead(u32 slot) {
  make_free(slot);
}

bool EdgePort::any_dirty() const {
  const std::atomic<u64>* words = mapping_.dirty(thread_);
  for (u32 i = 0; i < words_used_; ++i) {
    if (words[i].load(std::memory_order_relaxed) != 0) return true;
  }
  return false;
}

bool EdgePort::begin_sleep(bool light) {
  bed_.sleeping.store(light ? 1 : 2, std::memory_order_relaxed);
  // Pairs with the fence in WorkerPort::tell_edge.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!any_dirty()) return true;
  bed_.sleeping.store(0, std::memory_order_relaxed);
  return false;
}

void EdgePort::end_sleep() {
  bed_.sleeping.store(0, std::memory_order_relaxed);
}

}  // namespace labcoat::channel
