#include "channel/edge_channel.h"

#include <algorithm>
#include <optional>

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
  row.listening.store(0, std::memory_order_relaxed);
  row.sockets.store(0, std::memory_order_relaxed);
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
  u64 depth = 0;
  for (const Lane& lane : mapping_->header().lanes) {
    const u64 tail = lane.tail.load(std::memory_order_relaxed);
    const u64 head = lane.head.load(std::memory_order_relaxed);
    depth += head < tail ? tail - head : 0;
  }
  return depth;
}

void EdgeChannel::push(Priority priority, u64 entry) {
  Lane& lane = mapping_->lane(priority);
  const std::lock_guard lock(push_mutex_);
  u64& tail = tails_[static_cast<u32>(priority)];
  const u64 capacity = u64{mapping_->shape().queue_mask} + 1;
  if (tail - lane.head.load(std::memory_order_relaxed) >= capacity) drop_spent_entries(priority);
  mapping_->queue_entry(priority, tail).store(entry, std::memory_order_relaxed);
  ++tail;
  lane.tail.store(tail, std::memory_order_release);
}

// The lane is full of entries, though at most a quarter of them can name waiting requests:
// withdrawn requests leave theirs behind, and a corrupt worker may have written anything into
// `head` (then the subtraction above is huge). Put the head back over all that is left of the
// lane, and move every entry that still holds behind the tail. A request may then be named twice;
// the second name finds it taken.
void EdgeChannel::drop_spent_entries(Priority priority) {
  Lane& lane = mapping_->lane(priority);
  u64& tail = tails_[static_cast<u32>(priority)];
  const u64 capacity = u64{mapping_->shape().queue_mask} + 1;
  const u64 first = tail >= capacity ? tail - capacity : 0;
  const u64 last = tail;
  std::vector<u64> waiting;
  for (u64 position = first; position < last; ++position) {
    const u64 entry = mapping_->queue_entry(priority, position).load(std::memory_order_relaxed);
    const u32 slot = entry_slot(entry);
    if (slot >= mapping_->shape().slots) continue;
    const u64 claim = mapping_->slot(slot).claim.load(std::memory_order_acquire);
    if (claim == make_claim(entry_generation(entry), 0, SlotState::ready) &&
        waiting.size() < mapping_->shape().slots) {
      waiting.push_back(entry);
    }
  }
  lane.head.store(last, std::memory_order_release);
  for (const u64 entry : waiting) {
    mapping_->queue_entry(priority, tail).store(entry, std::memory_order_relaxed);
    ++tail;
  }
  lane.tail.store(tail, std::memory_order_release);
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

void EdgeChannel::ring_worker_for_socket() {
  // Pairs with the fence in WorkerPort::begin_sleep.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const std::lock_guard lock(endpoints_mutex_);
  u64 fewest = 0;
  std::optional<u32> best;
  for (const u32 endpoint : alive_) {
    const Endpoint& row = mapping_->endpoint(endpoint);
    if (row.sleeping.load(std::memory_order_relaxed) == 0) continue;
    const u64 sockets = row.sockets.load(std::memory_order_relaxed);
    if (best && sockets >= fewest) continue;
    fewest = sockets;
    best = endpoint;
  }
  if (!best) return;
  mapping_->endpoint(*best).sleeping.store(0, std::memory_order_relaxed);
  ring_doorbell(doorbells_[*best].get());
}

void EdgeChannel::ring_listener(u32 endpoint) {
  if (endpoint >= mapping_->shape().endpoints) return;
  std::atomic<u32>& listening = mapping_->endpoint(endpoint).listening;
  if (listening.load(std::memory_order_relaxed) == 0) return;
  if (listening.exchange(0, std::memory_order_acq_rel) != 0) ring_endpoint(endpoint);
}

void EdgeChannel::ring_endpoint(u32 endpoint) {
  const std::lock_guard lock(endpoints_mutex_);
  if (std::binary_search(alive_.begin(), alive_.end(), endpoint)) {
    ring_doorbell(doorbells_[endpoint].get());
  }
}

}  // namespace labcoat::channel
