#include "supervisor/scoreboard.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <utility>

#include "base/check.h"

namespace labcoat::supervisor {
namespace {

// For logs and terminals: nothing that could be taken for a line's end or a terminal's command.
std::string printable(const char* bytes, size_t count) {
  std::string text(bytes, std::min(count, Scoreboard::text_bytes_max));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c <= ' ' || c > '~'; }, '?');
  if (count > text.size()) text += "...";
  return text;
}

}  // namespace

std::string Scoreboard::Request::line() const {
  return fmt::format("{} {} (request {:016x})", method, target, id);
}

Result<std::unique_ptr<Scoreboard>> Scoreboard::open(int memfd) {
  auto mapping = channel::Mapping::open(memfd, channel::Mapping::Access::read_only);
  if (!mapping) return tl::unexpected(mapping.error());
  return std::unique_ptr<Scoreboard>(new Scoreboard(std::move(*mapping)));
}

Scoreboard::Row Scoreboard::row(int endpoint) const {
  CHECK(endpoint >= 0 && static_cast<u32>(endpoint) < mapping_->shape().endpoints);
  const channel::Endpoint& row = mapping_->endpoint(static_cast<u32>(endpoint));
  return {.requests = row.requests.load(std::memory_order_relaxed),
          .busy_ns = static_cast<i64>(row.busy_ns.load(std::memory_order_relaxed)),
          .started_ns = row.started_ns.load(std::memory_order_relaxed)};
}

std::optional<Scoreboard::Request> Scoreboard::current(int endpoint) const {
  if (row(endpoint).started_ns == 0) return {};
  const auto id = static_cast<u32>(endpoint);
  const u64 entry = mapping_->endpoint(id).current.load(std::memory_order_relaxed);
  const u32 index = channel::entry_slot(entry);
  if (index >= mapping_->shape().slots) return {};
  const channel::Slot& slot = mapping_->slot(index);
  const u64 claim =
      channel::make_claim(channel::entry_generation(entry), id, channel::SlotState::taken);
  if (slot.claim.load(std::memory_order_acquire) != claim) return {};
  channel::RequestInfo info;
  std::memcpy(&info, &slot.request, sizeof info);
  const u64 bytes = u64{info.method_bytes} + info.target_bytes;
  if (bytes > mapping_->shape().request_bytes) return {};
  const char* const text = mapping_->request_area(index);
  Request request{info.id, printable(text, info.method_bytes),
                  printable(text + info.method_bytes, info.target_bytes)};
  // Still the same: so what was copied between is of this request.
  std::atomic_thread_fence(std::memory_order_acquire);
  if (slot.claim.load(std::memory_order_relaxed) != claim) return {};
  return request;
}

Scoreboard::Queue Scoreboard::queue(i64 now) const {
  Queue queue;
  for (const auto priority :
       {channel::Priority::high, channel::Priority::normal, channel::Priority::low}) {
    add_lane(priority, now, queue);
  }
  return queue;
}

void Scoreboard::add_lane(channel::Priority priority, i64 now, Queue& queue) const {
  const channel::Lane& lane = mapping_->lane(priority);
  const u64 tail = lane.tail.load(std::memory_order_acquire);
  const u64 head = lane.head.load(std::memory_order_relaxed);
  const u64 entries = std::min(tail - head, u64{mapping_->shape().queue_mask} + 1);
  bool first = true;
  for (u64 at = tail - entries; at != tail; ++at) {
    const u64 entry = mapping_->queue_entry(priority, at).load(std::memory_order_relaxed);
    const u32 index = channel::entry_slot(entry);
    if (index >= mapping_->shape().slots) continue;
    const channel::Slot& slot = mapping_->slot(index);
    const u64 claim = slot.claim.load(std::memory_order_acquire);
    // Withdrawn, or taken meanwhile: only its entry is left.
    if (channel::claim_state(claim) != channel::SlotState::ready ||
        channel::claim_generation(claim) != channel::entry_generation(entry)) {
      continue;
    }
    ++queue.waiting;
    if (!std::exchange(first, false)) continue;
    queue.oldest_wait_ns = std::max(queue.oldest_wait_ns, now - slot.request.enqueued_ns);
  }
}

}  // namespace labcoat::supervisor
