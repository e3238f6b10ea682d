// EdgePort's part of WebSockets: what their clients send goes into the inbox of their slot.
#include <algorithm>

#include "base/check.h"
#include "channel/edge_port.h"

namespace labcoat::channel {
namespace {

// What is always left for the last frame.
constexpr size_t close_frame_bytes =
    sizeof(FrameHeader) + sizeof(CloseFrame) + padded(close_reason_bytes_max);
// Less room than this is not worth a frame.
constexpr size_t room_min = 512;

}  // namespace

void EdgePort::wake_socket(u32 slot) {
  mapping_.inbox_bits()[slot / 64].fetch_or(u64{1} << (slot % 64), std::memory_order_release);
  const u32 endpoint = taken_by(slot);
  if (std::find(listeners_.begin(), listeners_.end(), endpoint) == listeners_.end()) {
    listeners_.push_back(endpoint);
  }
}

size_t EdgePort::inbox_room(u32 slot) {
  SlotState& state = slots_[local(slot)];
  Slot& control = mapping_.slot(slot);
  const size_t size = mapping_.shape().inbox_bytes;
  const auto room = [&]() -> size_t {
    const u64 used = state.inbox_written - control.inbox_consumed.load(std::memory_order_acquire);
    if (used > size) state.corrupt = true;
    const size_t kept = close_frame_bytes + sizeof(FrameHeader) + 8;
    return state.corrupt || size - used < kept + room_min ? 0 : size - used - kept;
  };
  if (state.corrupt) return 0;
  if (const size_t now = room(); now > 0 || state.corrupt) return now;
  control.waiting_for_inbox.store(1, std::memory_order_relaxed);
  // Either we see the room that was just made, or the worker sees that we wait
  // (WorkerPort::done_in_inbox).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const size_t now = room();
  if (now > 0) control.waiting_for_inbox.store(0, std::memory_order_relaxed);
  return now;
}

void EdgePort::put_frame(u32 slot, FrameType type, std::string_view head,
                         std::string_view payload) {
  SlotState& state = slots_[local(slot)];
  Slot& control = mapping_.slot(slot);
  const Ring ring = inbox_ring(slot);
  const size_t bytes = head.size() + payload.size();
  const size_t whole = sizeof(FrameHeader) + padded(bytes);
  const auto put_header = [&](FrameType its_type, size_t its_bytes) {
    const FrameHeader header{static_cast<u32>(its_type), static_cast<u32>(its_bytes)};
    ring.write(state.inbox_written, &header, sizeof header);
  };
  if (control.inbox_consumed.load(std::memory_order_acquire) == state.inbox_written) {
    const size_t passed = rewind_bytes(ring, state.inbox_written, whole + close_frame_bytes);
    if (passed > 0) {
      put_header(FrameType::skip, passed - sizeof(FrameHeader));
      state.inbox_written += passed;
    }
  }
  put_header(type, bytes);
  ring.write(state.inbox_written + sizeof(FrameHeader), head.data(), head.size());
  ring.write(state.inbox_written + sizeof(FrameHeader) + head.size(), payload.data(),
             payload.size());
  state.inbox_written += whole;
  // Pairs with the worker's acquire load in WorkerPort::next_in_inbox.
  control.inbox_written.store(state.inbox_written, std::memory_order_release);
}

void EdgePort::put_message(u32 slot, FrameType type, std::string_view payload) {
  put_frame(slot, type, {}, payload);
  // Pairs with the fence in WorkerPort::ask_for_message.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<u32>& waiting = mapping_.slot(slot).waiting_for_message;
  if (waiting.load(std::memory_order_relaxed) == 0) return;
  if (waiting.exchange(0, std::memory_order_acq_rel) != 0) wake_socket(slot);
}

void EdgePort::put_close(u32 slot, u16 code, std::string_view reason) {
  reason = reason.substr(0, close_reason_bytes_max);
  const CloseFrame close{code, static_cast<u16>(reason.size()), 0};
  put_frame(slot, FrameType::close, {reinterpret_cast<const char*>(&close), sizeof close}, reason);
  wake_socket(slot);
}

EdgePort::Output EdgePort::read_close(u32 slot, const SlotState& state, u64 payload, Frame& out) {
  CloseFrame close;
  if (payload < sizeof close || payload > sizeof close + close_reason_bytes_max) {
    return Output::corrupt;
  }
  head_copy_.resize(payload);
  response_ring(slot).read(state.consumed + sizeof(FrameHeader), head_copy_.data(), payload);
  std::memcpy(&close, head_copy_.data(), sizeof close);
  if (close.reason_bytes != payload - sizeof close) return Output::corrupt;
  out.close = {close.code, {head_copy_.data() + sizeof close, close.reason_bytes}};
  return Output::close;
}

}  // namespace labcoat::channel
