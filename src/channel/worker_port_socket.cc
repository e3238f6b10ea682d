// WorkerPort's part of WebSockets: accepting, messages out through the response ring, messages in
// through the inbox.
#include "base/check.h"
#include "channel/worker_port.h"

namespace labcoat::channel {
namespace {

// What is always left in the response ring: for a close and the end.
constexpr size_t last_frames_bytes =
    2 * sizeof(FrameHeader) + sizeof(CloseFrame) + padded(close_reason_bytes_max);
// A smaller piece of a message that does not fit is not worth a frame.
constexpr size_t piece_min = 4096;

}  // namespace

void WorkerPort::open_socket() {
  held_->socket = true;
  if (socket_bits_.empty()) socket_bits_.resize(mapping_.shape().slots / 64);
  socket_bits_[held_->slot / 64] |= u64{1} << (held_->slot % 64);
  endpoint_.sockets.store(sockets() + 1, std::memory_order_relaxed);
}

void WorkerPort::close_socket() {
  socket_bits_[held_->slot / 64] &= ~(u64{1} << (held_->slot % 64));
  endpoint_.sockets.store(sockets() - 1, std::memory_order_relaxed);
  held_->socket = false;
}

void WorkerPort::accept_socket(std::span<const NameValue> fields) {
  // The ring is empty and a head fills half of it at most.
  CHECK(fields_room(fields) <= room());
  put_fields(FrameType::accept, {101, 0, static_cast<u32>(fields.size()), -1}, {}, fields);
  held_->method = held_->target = held_->path = held_->query = {};
  held_->server_name = held_->remote_address = {};
  held_->fields = nullptr;
  unlink(now_ns());
}

void WorkerPort::rewind_if_empty(size_t frame_bytes) {
  if (held_->control->consumed.load(std::memory_order_acquire) != held_->written) return;
  const Ring ring(held_->ring, mapping_.shape().response_bytes);
  const size_t passed = rewind_bytes(ring, held_->written, frame_bytes + last_frames_bytes);
  if (passed == 0) return;
  put_frame_header(FrameType::skip, passed - sizeof(FrameHeader));
  held_->written += passed - sizeof(FrameHeader);
}

bool WorkerPort::write_message(MessageKind kind, std::string_view& rest) {
  const bool text = kind == MessageKind::text;
  const size_t whole = sizeof(FrameHeader) + padded(rest.size());
  rewind_if_empty(whole);
  const size_t free_bytes = room();
  if (whole + last_frames_bytes <= free_bytes) {
    put_frame_header(text ? FrameType::text : FrameType::binary, rest.size());
    put(rest.data(), rest.size());
    pad();
    rest = {};
    return true;
  }
  if (free_bytes < last_frames_bytes + sizeof(FrameHeader) + piece_min) return false;
  const size_t bytes = (free_bytes - last_frames_bytes - sizeof(FrameHeader)) & ~size_t{7};
  put_frame_header(text ? FrameType::text_part : FrameType::binary_part, bytes);
  put(rest.data(), bytes);
  rest.remove_prefix(bytes);
  return false;
}

void WorkerPort::write_close(u16 code, std::string_view reason) {
  reason = reason.substr(0, close_reason_bytes_max);
  const CloseFrame close{code, static_cast<u16>(reason.size()), 0};
  put_frame_header(FrameType::close, sizeof close + reason.size());
  put(&close, sizeof close);
  put(reason.data(), reason.size());
  pad();
}

bool WorkerPort::next_in_inbox(InboxFrame& out) {
  TakenRequest& held = *held_;
  const Ring ring = inbox_ring();
  for (;;) {
    // Pairs with the release store in EdgePort::put_frame.
    const u64 written = held.control->inbox_written.load(std::memory_order_acquire);
    if (written == held.inbox_consumed) return false;
    FrameHeader header;
    ring.read(held.inbox_consumed, &header, sizeof header);
    held.inbox_frame = sizeof header + padded(header.bytes);
    CHECK(held.inbox_frame <= written - held.inbox_consumed);
    out.type = static_cast<FrameType>(header.type);
    if (out.type == FrameType::skip) {
      done_in_inbox();
      continue;
    }
    u64 at = held.inbox_consumed + sizeof header;
    size_t bytes = header.bytes;
    if (out.type == FrameType::close) {
      CloseFrame close;
      CHECK(bytes >= sizeof close);
      ring.read(at, &close, sizeof close);
      out.close_code = close.code;
      at += sizeof close;
      bytes -= sizeof close;
    }
    ring.view(at, bytes, out.data, out.more);
    return true;
  }
}

void WorkerPort::done_in_inbox() {
  TakenRequest& held = *held_;
  held.inbox_consumed += std::exchange(held.inbox_frame, 0);
  held.control->inbox_consumed.store(held.inbox_consumed, std::memory_order_release);
  // Pairs with the fence in EdgePort::inbox_room.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<u32>& waiting = held.control->waiting_for_inbox;
  if (waiting.load(std::memory_order_relaxed) == 0) return;
  // Half of it at a time, so that the edge fills one half while we read the other.
  const u64 used =
      held.control->inbox_written.load(std::memory_order_relaxed) - held.inbox_consumed;
  if (2 * used > mapping_.shape().inbox_bytes) return;
  if (waiting.exchange(0, std::memory_order_acq_rel) != 0) tell_edge(true);
}

bool WorkerPort::ask_for_message() {
  Slot& control = *held_->control;
  control.waiting_for_message.store(1, std::memory_order_relaxed);
  // Either we see the message that was just put there, or the edge sees that we wait
  // (EdgePort::put_message).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const bool some = control.inbox_written.load(std::memory_order_relaxed) != held_->inbox_consumed;
  if (!some && !cancelled()) return false;
  control.waiting_for_message.store(0, std::memory_order_relaxed);
  return true;
}

bool WorkerPort::begin_listening() {
  endpoint_.listening.store(1, std::memory_order_relaxed);
  // Either we see the bit that was just set, or the edge sees that we listen (EdgePort::ring).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (size_t i = 0; i < socket_bits_.size(); ++i) {
    const u64 mine = socket_bits_[i];
    if (mine == 0 || (mapping_.inbox_bits()[i].load(std::memory_order_relaxed) & mine) == 0)
      continue;
    end_listening();
    return false;
  }
  return true;
}

}  // namespace labcoat::channel
