// Reading what workers write: the frames of a slot's response ring, none of them believed.
#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "channel/edge_port.h"

namespace labcoat::channel {

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

EdgePort::Output EdgePort::read_head(u32 slot, SlotState& state, FrameType type, u64 payload,
                                     Frame& out) {
  if (payload < sizeof(ResponseHead)) return Output::corrupt;
  head_copy_.resize(payload);
  response_ring(slot).read(state.consumed + sizeof(FrameHeader), head_copy_.data(), payload);
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
  if (type == FrameType::hints) return head.status == 103 ? Output::hints : Output::corrupt;
  if (type == FrameType::accept) return head.status == 101 ? Output::accept : Output::corrupt;
  if (type == FrameType::trailers) return head.status == 0 ? Output::trailers : Output::corrupt;
  const bool plausible = head.status >= 200 && head.status <= 999 && head.body_bytes >= -1;
  return plausible ? Output::head : Output::corrupt;
}

void EdgePort::next(u32 slot, Frame& out) {
  SlotState& state = slots_[local(slot)];
  CHECK(state.queued && state.payload_left == 0);
  out.kind = Output::corrupt;
  while (!state.corrupt) {
    const u64 bytes = available(slot, state);
    if (state.corrupt) return;
    if (bytes == 0) {
      out.kind = Output::nothing_yet;
      return;
    }
    FrameHeader header;  // always whole: frames start at multiples of 8
    response_ring(slot).read(state.consumed, &header, sizeof header);
    const u64 whole = sizeof header + padded(header.bytes);
    if (whole > bytes) {
      state.corrupt = true;
      return;
    }
    if (header.type == static_cast<u32>(FrameType::skip)) {
      made_room(slot, state, whole);
      continue;
    }
    out.kind = read_frame(slot, state, header, out);
    if (out.kind == Output::corrupt) state.corrupt = true;
    return;
  }
}

EdgePort::Output EdgePort::read_frame(u32 slot, SlotState& state, const FrameHeader& header,
                                      Frame& out) {
  const u64 payload = header.bytes;
  const u64 whole = sizeof header + padded(payload);
  const auto type = static_cast<FrameType>(header.type);
  Output kind = Output::corrupt;
  switch (type) {
    case FrameType::head:
    case FrameType::hints:
    case FrameType::trailers:
    case FrameType::accept:
      kind = read_head(slot, state, type, payload, out);
      if (kind != Output::corrupt) made_room(slot, state, whole);
      return kind;
    case FrameType::data:
    case FrameType::text:
    case FrameType::binary:
    case FrameType::text_part:
    case FrameType::binary_part:
      response_ring(slot).view(state.consumed + sizeof header, payload, out.data, out.more);
      state.payload_left = payload;
      state.padding = whole - sizeof header - payload;
      state.consumed += sizeof header;
      if (payload == 0) {
        state.padding = 0;
        made_room(slot, state, 0);
      }
      if (type == FrameType::data) return Output::data;
      out.message = {.text = type == FrameType::text || type == FrameType::text_part,
                     .last = type == FrameType::text || type == FrameType::binary};
      return Output::message;
    case FrameType::file:
      if (payload != sizeof(FileSpan)) break;
      response_ring(slot).read(state.consumed + sizeof header, &out.file, sizeof out.file);
      if (out.file.offset < 0 || out.file.bytes < 0) break;
      made_room(slot, state, whole);
      return Output::file;
    case FrameType::close:
      kind = read_close(slot, state, payload, out);
      if (kind == Output::close) made_room(slot, state, whole);
      return kind;
    case FrameType::end:
      return Output::end;
    case FrameType::broken:
      return Output::broken;
    case FrameType::skip:
      break;  // passed over before
  }
  return Output::corrupt;
}

void EdgePort::made_room(u32 slot, SlotState& state, u64 bytes) {
  Slot& control = mapping_.slot(slot);
  state.consumed += bytes;
  control.consumed.store(state.consumed, std::memory_order_release);
  // Pairs with the fence in WorkerPort::wait_for_room and ask_for_room.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (control.waiting_for_room.load(std::memory_order_relaxed) != 1 ||
      control.waiting_for_room.exchange(0, std::memory_order_acq_rel) == 0) {
    return;
  }
  if (state.socket) {
    wake_socket(slot);
  } else {
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
    response_ring(slot).read(state.consumed + at, &header, sizeof header);
    if (header.type == static_cast<u32>(FrameType::end) ||
        header.type == static_cast<u32>(FrameType::broken)) {
      return true;
    }
    at += sizeof header + padded(header.bytes);
  }
  return false;
}

}  // namespace labcoat::channel
