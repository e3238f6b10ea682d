#include "channel/edge_port.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace labcoat::channel {

EdgeChannel::EdgeChannel(std::unique_ptr<Mapping> mapping, std::vector<Fd> edge_doorbells)
    : mapping_(std::move(mapping)), edge_doorbells_(std::move(edge_doorbells)) {}

Result<std::unique_ptr<EdgeChannel>> EdgeChannel::open(Fd memfd, std::vector<Fd> edge_doorbells) {
  auto mapping = Mapping::open(memfd.get());
  if (!mapping) return tl::unexpected(mapping.error());
  if (edge_doorbells.size() != (*mapping)->shape().edge_threads) {
    return fail("the channel is for " + std::to_string((*mapping)->shape().edge_threads) +
                " edge threads, not for " + std::to_string(edge_doorbells.size()));
  }
  return std::unique_ptr<EdgeChannel>(
      new EdgeChannel(std::move(*mapping), std::move(edge_doorbells)));
}

bool EdgeChannel::add_endpoint(u32 endpoint, Fd doorbell) {
  if (endpoint >= mapping_->shape().endpoints) return false;
  const std::lock_guard lock(endpoints_mutex_);
  const auto at = std::lower_bound(alive_.begin(), alive_.end(), endpoint);
  if (at != alive_.end() && *at == endpoint) return false;
  doorbells_[endpoint] = std::move(doorbell);
  alive_.insert(at, endpoint);
  // Its worker may have gone to sleep before we knew it, with requests pushed since then that
  // nobody could ring it for.
  ring_doorbell(doorbells_[endpoint].get());
  endpoint_count_.store(static_cast<u32>(alive_.size()), std::memory_order_relaxed);
  return true;
}

void EdgeChannel::remove_endpoint(u32 endpoint) {
  forget_endpoint(endpoint);
  // It may have been rung and died before it looked: then another must look for it.
  if (queue_depth() > 0) ring_workers(static_cast<u32>(queue_depth()));
}

void EdgeChannel::forget_endpoint(u32 endpoint) {
  const std::lock_guard lock(endpoints_mutex_);
  const auto at = std::lower_bound(alive_.begin(), alive_.end(), endpoint);
  if (at == alive_.end() || *at != endpoint) return;
  alive_.erase(at);
  doorbells_[endpoint].reset();
  Endpoint& row = mapping_->endpoint(endpoint);
  row.sleeping.store(0, std::memory_order_relaxed);
  row.pid.store(0, std::memory_order_relaxed);
  row.started_ns.store(0, std::memory_order_relaxed);
  endpoint_count_.store(static_cast<u32>(alive_.size()), std::memory_order_relaxed);
}

void EdgeChannel::close() {
  mapping_->header().closing.store(1, std::memory_order_seq_cst);
  const std::lock_guard lock(endpoints_mutex_);
  for (const u32 endpoint : alive_) ring_doorbell(doorbells_[endpoint].get());
}

u64 EdgeChannel::queue_depth() const {
  const Header& header = mapping_->header();
  const u64 tail = header.tail.load(std::memory_order_relaxed);
  const u64 head = header.head.load(std::memory_order_relaxed);
  return head < tail ? tail - head : 0;
}

void EdgeChannel::push(u64 entry) {
  Header& header = mapping_->header();
  const std::lock_guard lock(push_mutex_);
  const u64 capacity = u64{mapping_->shape().queue_mask} + 1;
  if (tail_ - header.head.load(std::memory_order_relaxed) >= capacity) drop_spent_entries();
  mapping_->queue_entry(tail_).store(entry, std::memory_order_relaxed);
  ++tail_;
  header.tail.store(tail_, std::memory_order_release);
}

// The queue is full of entries, though at most a quarter of them can name waiting requests:
// withdrawn requests leave theirs behind, and a corrupt worker may have written anything into
// `head` (then the subtraction above is huge). Put the head back over all that is left of the
// queue, and move every entry that still holds behind the tail. A request may then be named twice;
// the second name finds it taken.
void EdgeChannel::drop_spent_entries() {
  Header& header = mapping_->header();
  const u64 capacity = u64{mapping_->shape().queue_mask} + 1;
  const u64 first = tail_ >= capacity ? tail_ - capacity : 0;
  const u64 last = tail_;
  std::vector<u64> waiting;
  for (u64 position = first; position < last; ++position) {
    const u64 entry = mapping_->queue_entry(position).load(std::memory_order_relaxed);
    const u32 slot = entry_slot(entry);
    if (slot >= mapping_->shape().slots) continue;
    const u64 claim = mapping_->slot(slot).claim.load(std::memory_order_acquire);
    if (claim == make_claim(entry_generation(entry), 0, SlotState::ready) &&
        waiting.size() < mapping_->shape().slots) {
      waiting.push_back(entry);
    }
  }
  header.head.store(last, std::memory_order_release);
  for (const u64 entry : waiting) {
    mapping_->queue_entry(tail_).store(entry, std::memory_order_relaxed);
    ++tail_;
  }
  header.tail.store(tail_, std::memory_order_release);
}

void EdgeChannel::ring_workers(u32 count) {
  // Pairs with the fence in WorkerPort::wait: the entries are visible before we look who sleeps.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::lock_guard lock(endpoints_mutex_);
  for (const u32 endpoint : alive_) {
    if (count == 0) return;
    std::atomic<u32>& sleeping = mapping_->endpoint(endpoint).sleeping;
    if (sleeping.load(std::memory_order_relaxed) == 0) continue;
    if (sleeping.exchange(0, std::memory_order_acq_rel) == 0) continue;
    ring_doorbell(doorbells_[endpoint].get());
    --count;
  }
}

void EdgeChannel::ring_endpoint(u32 endpoint) {
  const std::lock_guard lock(endpoints_mutex_);
  if (std::binary_search(alive_.begin(), alive_.end(), endpoint)) {
    ring_doorbell(doorbells_[endpoint].get());
  }
}

bool RequestWriter::append(std::string_view piece) {
  if (piece.size() > bytes_ - used_) return false;
  if (piece.empty()) return true;  // memcpy may not be given the null of an empty view
  std::memcpy(area_ + used_, piece.data(), piece.size());
  used_ += piece.size();
  return true;
}

bool RequestWriter::text(const RequestText& text) {
  info_.method_bytes = static_cast<u32>(text.method.size());
  info_.target_bytes = static_cast<u32>(text.target.size());
  info_.path_bytes = static_cast<u32>(text.path.size());
  info_.query_bytes = static_cast<u32>(text.query.size());
  info_.server_name_bytes = static_cast<u32>(text.server_name.size());
  info_.remote_address_bytes = static_cast<u32>(text.remote_address.size());
  info_.script_name_bytes = static_cast<u32>(text.script_name_bytes);
  info_.field_count = 0;
  return append(text.method) && append(text.target) && append(text.path) && append(text.query) &&
         append(text.server_name) && append(text.remote_address);
}

bool RequestWriter::field(std::string_view name, std::string_view value) {
  const FieldHeader header{static_cast<u32>(name.size()), static_cast<u32>(value.size())};
  if (sizeof header + name.size() + value.size() > bytes_ - used_) return false;
  append({reinterpret_cast<const char*>(&header), sizeof header});
  append(name);
  append(value);
  ++info_.field_count;
  return true;
}

void RequestWriter::begin_body() {
  info_.body_offset = static_cast<u32>(used_);
  info_.body_bytes = 0;
}

bool RequestWriter::body(std::string_view piece) {
  if (!append(piece)) return false;
  info_.body_bytes += static_cast<i64>(piece.size());
  return true;
}

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

std::optional<u32> EdgePort::acquire(void* owner) {
  if (free_.empty()) return std::nullopt;
  const u32 slot = free_.back();
  free_.pop_back();
  SlotState& state = slots_[local(slot)];
  const u32 generation = state.generation;
  state = SlotState{};
  state.generation = generation;
  state.owner = owner;
  state.used = true;
  ++in_use_;
  return slot;
}

RequestWriter EdgePort::write(u32 slot) {
  return {mapping_.request_area(slot), mapping_.shape().request_bytes, info(slot)};
}

void EdgePort::make_free(u32 slot) {
  SlotState& state = slots_[local(slot)];
  CHECK(state.used);
  if (state.queued) --outstanding_;
  ++state.generation;
  mapping_.slot(slot).claim.store(make_claim(state.generation, 0, channel::SlotState::free),
                                  std::memory_order_release);
  state.used = state.queued = false;
  state.owner = nullptr;
  free_.push_back(slot);
  --in_use_;
}

void EdgePort::release(u32 slot) {
  make_free(slot);
}

void EdgePort::enqueue(u32 slot) {
  SlotState& state = slots_[local(slot)];
  Slot& control = mapping_.slot(slot);
  control.written.store(0, std::memory_order_relaxed);
  control.consumed.store(0, std::memory_order_relaxed);
  control.waiting_for_room.store(0, std::memory_order_relaxed);
  control.cancelled.store(0, std::memory_order_relaxed);
  state.consumed = state.payload_left = state.padding = 0;
  state.corrupt = false;
  if (!state.queued) ++outstanding_;
  state.queued = true;
  // Release: whoever takes the slot sees the request.
  control.claim.store(make_claim(state.generation, 0, channel::SlotState::ready),
                      std::memory_order_release);
  channel_.push(make_entry(slot, state.generation));
  ++enqueued_;
}

void EdgePort::ring() {
  if (enqueued_ == 0) return;
  channel_.ring_workers(enqueued_);
  enqueued_ = 0;
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
  if (control.waiting_for_room.exchange(0, std::memory_order_acq_rel) != 0) {
    channel_.ring_endpoint(taken_by(slot));
  }
  drain_abandoned(slot);  // it may have been finished already, with its dirty bit spent
}

void EdgePort::client_shut(u32 slot) {
  Slot& control = mapping_.slot(slot);
  control.cancelled.store(2, std::memory_order_seq_cst);
  if (control.waiting_for_room.exchange(0, std::memory_order_acq_rel) != 0) {
    channel_.ring_endpoint(taken_by(slot));
  }
}

// Bytes of frames that were published and not consumed; more than the ring holds means the worker's
// word is worthless.
u64 EdgePort::available(u32 slot, SlotState& state) {
  const u64 written = mapping_.slot(slot).written.load(std::memory_order_acquire);
  const u64 available = written - state.consumed;
  if (available > mapping_.shape().response_bytes || (written & 7) != 0) {
    state.corrupt = true;
    return 0;
  }
  return available;
}

void EdgePort::copy_out(u32 slot, u64 at, void* out, size_t bytes) const {
  const size_t ring_bytes = mapping_.shape().response_bytes;
  const char* ring = mapping_.response_ring(slot);
  const size_t start = at & (ring_bytes - 1);
  const size_t first = std::min(bytes, ring_bytes - start);
  std::memcpy(out, ring + start, first);
  std::memcpy(static_cast<char*>(out) + first, ring, bytes - first);
}

EdgePort::Output EdgePort::read_head(u32 slot, SlotState& state, u64 payload, Frame& out) {
  if (payload < sizeof(ResponseHead)) return Output::corrupt;
  head_copy_.resize(payload);
  copy_out(slot, state.consumed + sizeof(FrameHeader), head_copy_.data(), payload);
  ResponseHead head;
  std::memcpy(&head, head_copy_.data(), sizeof head);
  size_t at = sizeof head;
  if (head.reason_bytes > payload - at) return Output::corrupt;
  out.head.status = head.status;
  out.head.body_bytes = head.body_bytes;
  out.head.field_count = head.field_count;
  out.head.reason = {head_copy_.data() + at, head.reason_bytes};
  at += head.reason_bytes;
  out.head.fields = {head_copy_.data() + at, payload - at};
  for (u32 i = 0; i < head.field_count; ++i) {
    FieldHeader field;
    if (payload - at < sizeof field) return Output::corrupt;
    std::memcpy(&field, head_copy_.data() + at, sizeof field);
    at += sizeof field;
    if (u64{field.name_bytes} + field.value_bytes > payload - at) return Output::corrupt;
    at += field.name_bytes + field.value_bytes;
  }
  if (at != payload) return Output::corrupt;
  const bool plausible = head.status >= 200 && head.status <= 999 && head.body_bytes >= -1;
  return plausible ? Output::head : Output::corrupt;
}

void EdgePort::next(u32 slot, Frame& out) {
  SlotState& state = slots_[local(slot)];
  CHECK(state.queued && state.payload_left == 0);
  out.kind = Output::corrupt;
  if (state.corrupt) return;
  const u64 bytes = available(slot, state);
  if (state.corrupt) return;
  if (bytes == 0) {
    out.kind = Output::nothing_yet;
    return;
  }
  FrameHeader header;  // always whole: frames start at multiples of 8
  copy_out(slot, state.consumed, &header, sizeof header);
  const u64 payload = header.bytes;
  const u64 whole = sizeof header + ((payload + 7) & ~u64{7});
  if (whole > bytes) {
    state.corrupt = true;
    return;
  }
  switch (static_cast<FrameType>(header.type)) {
    case FrameType::head:
      out.kind = read_head(slot, state, payload, out);
      if (out.kind == Output::head) made_room(slot, state, whole);
      break;
    case FrameType::data: {
      const size_t ring_bytes = mapping_.shape().response_bytes;
      const char* ring = mapping_.response_ring(slot);
      const size_t start = (state.consumed + sizeof header) & (ring_bytes - 1);
      const size_t first = std::min<size_t>(payload, ring_bytes - start);
      out.data = {ring + start, first};
      out.more = {ring, payload - first};
      out.kind = Output::data;
      state.payload_left = payload;
      state.padding = whole - sizeof header - payload;
      state.consumed += sizeof header;
      if (payload == 0) {
        state.padding = 0;
        made_room(slot, state, 0);
      }
      break;
    }
    case FrameType::file:
      if (payload != sizeof(FileSpan)) break;
      copy_out(slot, state.consumed + sizeof header, &out.file, sizeof out.file);
      if (out.file.offset < 0 || out.file.bytes < 0) break;
      out.kind = Output::file;
      made_room(slot, state, whole);
      break;
    case FrameType::end:
      out.kind = Output::end;
      break;
    case FrameType::broken:
      out.kind = Output::broken;
      break;
  }
  if (out.kind == Output::corrupt) state.corrupt = true;
}

void EdgePort::made_room(u32 slot, SlotState& state, u64 bytes) {
  Slot& control = mapping_.slot(slot);
  state.consumed += bytes;
  control.consumed.store(state.consumed, std::memory_order_release);
  // Pairs with the fence in WorkerPort::wait_for_room and ask_for_room.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (control.waiting_for_room.load(std::memory_order_relaxed) == 1 &&
      control.waiting_for_room.exchange(0, std::memory_order_acq_rel) != 0) {
    channel_.ring_endpoint(taken_by(slot));
  }
}

void EdgePort::consumed(u32 slot, size_t bytes) {
  SlotState& state = slots_[local(slot)];
  CHECK(bytes <= state.payload_left);
  state.payload_left -= bytes;
  u64 total = bytes;
  if (state.payload_left == 0) total += std::exchange(state.padding, 0);
  made_room(slot, state, total);
}

bool EdgePort::has_ended(u32 slot) {
  SlotState& state = slots_[local(slot)];
  const u64 bytes = available(slot, state);
  u64 at = state.payload_left + state.padding;
  while (!state.corrupt && at + sizeof(FrameHeader) <= bytes) {
    FrameHeader header;
    copy_out(slot, state.consumed + at, &header, sizeof header);
    if (header.type >= static_cast<u32>(FrameType::end)) return true;
    at += sizeof header + ((u64{header.bytes} + 7) & ~u64{7});
  }
  return false;
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
        if (state.payload_left > 0) consumed(slot, state.payload_left);
        break;
      case Output::head:
      case Output::file:
        break;
    }
  }
}

void EdgePort::requeue(u32 slot) {
  SlotState& state = slots_[local(slot)];
  ++state.generation;
  info(slot).flags |= request_repeated;
  enqueue(slot);
}

void EdgePort::free_dead(u32 slot) {
  make_free(slot);
}

bool EdgePort::any_dirty() const {
  const std::atomic<u64>* words = mapping_.dirty(thread_);
  const u32 word_count = mapping_.shape().slots_per_thread / 64;
  for (u32 i = 0; i < word_count; ++i) {
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
