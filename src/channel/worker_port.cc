#include "channel/worker_port.h"

#include <algorithm>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include "base/check.h"

namespace labcoat::channel {
namespace {

// A bell may wait for the end of a batch only while the app answers faster than this, and never
// longer than the second figure; an edge thread that sleeps lightly looks for itself after a
// millisecond (EdgeThread::sleeping).
constexpr i64 put_off_service_ns_max = 50 * us;
constexpr i64 put_off_ns_max = 300 * us;
// A worker that is never out of work looks this often whether its edge is still there.
constexpr i64 look_for_edge_every_ns = 100 * ms;

void pause_cpu() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

bool FieldReader::next(NameValue& out) {
  if (left_ == 0) return false;
  --left_;
  FieldHeader header;
  std::memcpy(&header, at_, sizeof header);
  at_ += sizeof header;
  out.name = {at_, header.name_bytes};
  at_ += header.name_bytes;
  out.value = {at_, header.value_bytes};
  at_ += header.value_bytes;
  return true;
}

WorkerPort::WorkerPort(const Mapping& mapping, Settings settings)
    : mapping_(mapping),
      settings_(std::move(settings)),
      endpoint_(mapping.endpoint(settings_.endpoint)) {
  CHECK(settings_.endpoint < mapping.shape().endpoints);
  CHECK(settings_.edge_doorbells.size() == mapping.shape().edge_threads);
  endpoint_.requests.store(0, std::memory_order_relaxed);
  endpoint_.busy_ns.store(0, std::memory_order_relaxed);
  endpoint_.started_ns.store(0, std::memory_order_relaxed);
  endpoint_.pid.store(static_cast<u64>(getpid()), std::memory_order_relaxed);
}

bool WorkerPort::has_work() const {
  const Header& header = mapping_.header();
  return header.head.load(std::memory_order_relaxed) < header.tail.load(std::memory_order_acquire);
}

bool WorkerPort::take() {
  Header& header = mapping_.header();
  if (closing()) return false;
  for (;;) {
    u64 head = header.head.load(std::memory_order_acquire);
    if (head >= header.tail.load(std::memory_order_acquire)) return false;
    const u64 entry = mapping_.queue_entry(head).load(std::memory_order_acquire);
    const u32 slot = entry_slot(entry);
    const u32 generation = entry_generation(entry);
    bool taken = false;
    if (slot < mapping_.shape().slots) {
      u64 expected = make_claim(generation, 0, SlotState::ready);
      const u64 mine = make_claim(generation, settings_.endpoint, SlotState::taken);
      taken = mapping_.slot(slot).claim.compare_exchange_strong(expected, mine,
                                                                std::memory_order_acq_rel);
    }
    // Taken by us or no longer to be had: either way the entry is spent. Killed before this line,
    // the next one to look finds the slot not ready and does it for us.
    header.head.compare_exchange_strong(head, head + 1, std::memory_order_acq_rel);
    if (taken) {
      open_request(slot, generation);
      return true;
    }
  }
}

void WorkerPort::open_request(u32 slot, u32 generation) {
  slot_ = slot;
  generation_ = generation;
  slot_control_ = &mapping_.slot(slot);
  request_ = &slot_control_->request;
  const char* at = mapping_.request_area(slot);
  const char* const area = at;
  const auto next = [&at](u32 bytes) {
    const std::string_view text(at, bytes);
    at += bytes;
    return text;
  };
  method_ = next(request_->method_bytes);
  target_ = next(request_->target_bytes);
  path_ = next(request_->path_bytes);
  query_ = next(request_->query_bytes);
  server_name_ = next(request_->server_name_bytes);
  remote_address_ = next(request_->remote_address_bytes);
  fields_ = at;
  const bool in_file = (request_->flags & request_body_in_file) != 0;
  body_ = in_file ? std::string_view{}
                  : std::string_view(area + request_->body_offset,
                                     static_cast<size_t>(request_->body_bytes));
  ring_ = mapping_.response_ring(slot);
  written_ = published_ = 0;
  taken_ns_ = now_ns();
  slot_control_->taken_ns.store(taken_ns_, std::memory_order_relaxed);
  endpoint_.current.store(make_entry(slot, generation), std::memory_order_relaxed);
  endpoint_.started_ns.store(taken_ns_, std::memory_order_relaxed);
}

void WorkerPort::wait() {
  ring_put_off();
  if (settings_.spin_ns > 0) {
    const i64 until = now_ns() + settings_.spin_ns;
    do {
      for (int i = 0; i < 64; ++i) {
        if (has_work()) return;
        pause_cpu();
      }
    } while (now_ns() < until);
  }
  endpoint_.sleeping.store(1, std::memory_order_relaxed);
  // Either we see the entry that was just pushed, or the edge sees that we sleep
  // (EdgeChannel::ring_workers).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!has_work() && !closing()) sleep_until_rung();
  endpoint_.sleeping.store(0, std::memory_order_relaxed);
}

void WorkerPort::sleep_until_rung() {
  // Of the control socket only an error or a hang-up can be reported.
  pollfd fds[2] = {{settings_.doorbell, POLLIN, 0}, {settings_.control, 0, 0}};
  if (::poll(fds, 2, -1) <= 0) return;
  if ((fds[0].revents & POLLIN) != 0) {
    u64 count;
    [[maybe_unused]] const ssize_t got = ::read(settings_.doorbell, &count, sizeof count);
  }
  if (fds[1].revents != 0) edge_gone_ = true;
}

void WorkerPort::look_for_edge(i64 now) {
  if (now - edge_looked_for_ns_ < look_for_edge_every_ns) return;
  edge_looked_for_ns_ = now;
  pollfd edge{settings_.control, 0, 0};
  if (::poll(&edge, 1, 0) > 0) edge_gone_ = true;
}

void WorkerPort::ring_put_off() {
  while (put_off_ != 0) {
    const u32 thread = static_cast<u32>(__builtin_ctzll(put_off_));
    put_off_ &= put_off_ - 1;
    if (mapping_.edge_thread(thread).sleeping.exchange(0, std::memory_order_acq_rel) != 0) {
      ring_doorbell(settings_.edge_doorbells[thread]);
    }
  }
}

size_t WorkerPort::room() const {
  const u64 consumed = slot_control_->consumed.load(std::memory_order_acquire);
  return mapping_.shape().response_bytes - static_cast<size_t>(written_ - consumed);
}

void WorkerPort::put(const void* bytes, size_t count) {
  const size_t ring_bytes = mapping_.shape().response_bytes;
  const size_t at = written_ & (ring_bytes - 1);
  const size_t first = std::min(count, ring_bytes - at);
  std::memcpy(ring_ + at, bytes, first);
  if (first < count) {
    std::memcpy(ring_, static_cast<const char*>(bytes) + first, count - first);
  }
  written_ += count;
}

void WorkerPort::put_frame_header(FrameType type, size_t bytes) {
  const FrameHeader header{static_cast<u32>(type), static_cast<u32>(bytes)};
  put(&header, sizeof header);
}

void WorkerPort::pad() {
  written_ = (written_ + 7) & ~u64{7};
}

void WorkerPort::publish() {
  slot_control_->written.store(written_, std::memory_order_release);
  published_ = written_;
}

// Says that the slot has news. `may_put_off`: the bell may wait until this worker has looked at its
// queue again.
void WorkerPort::tell_edge(bool may_put_off) {
  const u32 thread = mapping_.thread_of(slot_);
  const u32 index = slot_ - thread * mapping_.shape().slots_per_thread;
  mapping_.dirty(thread)[index / 64].fetch_or(u64{1} << (index % 64), std::memory_order_release);
  // Either the edge finds the bit before it sleeps, or we find that it sleeps
  // (EdgePort::may_sleep).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<u32>& sleeping = mapping_.edge_thread(thread).sleeping;
  const u32 depth = sleeping.load(std::memory_order_relaxed);
  if (depth == 0) return;
  if (depth == 1 && may_put_off) {
    if (put_off_ == 0) put_off_since_ = now_ns();
    put_off_ |= u64{1} << thread;
    return;
  }
  put_off_ &= ~(u64{1} << thread);
  if (sleeping.exchange(0, std::memory_order_acq_rel) != 0) {
    ring_doorbell(settings_.edge_doorbells[thread]);
  }
}

bool WorkerPort::write_head(u16 status, i64 body_bytes, std::string_view reason,
                            std::span<const NameValue> fields) {
  size_t bytes = sizeof(ResponseHead) + reason.size();
  for (const NameValue& field : fields) {
    bytes += sizeof(FieldHeader) + field.name.size() + field.value.size();
  }
  CHECK(bytes <= sizeof(ResponseHead) + head_bytes_max());
  if (room() < bytes + 2 * frame_overhead && !wait_for_room(bytes + 2 * frame_overhead)) {
    return false;
  }
  put_frame_header(FrameType::head, bytes);
  const ResponseHead head{status, static_cast<u16>(reason.size()), static_cast<u32>(fields.size()),
                          body_bytes};
  put(&head, sizeof head);
  put(reason.data(), reason.size());
  for (const NameValue& field : fields) {
    const FieldHeader header{static_cast<u32>(field.name.size()),
                             static_cast<u32>(field.value.size())};
    put(&header, sizeof header);
    put(field.name.data(), field.name.size());
    put(field.value.data(), field.value.size());
  }
  pad();
  return true;
}

size_t WorkerPort::write_some(std::string_view data) {
  // Room for the last frame is always left, so finish() never has to wait.
  const size_t free_bytes = room();
  if (free_bytes <= 2 * frame_overhead) return 0;
  const size_t bytes = std::min(data.size(), free_bytes - 2 * frame_overhead);
  put_frame_header(FrameType::data, bytes);
  put(data.data(), bytes);
  pad();
  return bytes;
}

bool WorkerPort::write_data(std::string_view data) {
  while (!data.empty()) {
    if (cancelled()) return false;
    data.remove_prefix(write_some(data));
    // Half a ring at a time: the edge sends one half while we fill the other.
    if (!data.empty() &&
        !wait_for_room(std::min<size_t>(data.size(), mapping_.shape().response_bytes / 2))) {
      return false;
    }
  }
  return true;
}

bool WorkerPort::write_file(const FileSpan& file) {
  if (room() < sizeof file + 3 * frame_overhead &&
      !wait_for_room(sizeof file + 3 * frame_overhead)) {
    return false;
  }
  put_frame_header(FrameType::file, sizeof file);
  put(&file, sizeof file);
  pad();
  return true;
}

void WorkerPort::flush() {
  if (published_ == written_) return;
  publish();
  tell_edge(false);
}

bool WorkerPort::wait_for_room(size_t bytes) {
  bytes += 2 * frame_overhead;
  flush();
  ring_put_off();
  while (room() < bytes) {
    if (cancelled()) return false;
    slot_control_->waiting_for_room.store(1, std::memory_order_relaxed);
    // Either we see the room that was just made, or the edge sees that we wait
    // (EdgePort::made_room).
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (room() >= bytes || cancelled()) break;
    sleep_until_rung();
    if (edge_gone_) return false;  // nobody will make room
  }
  slot_control_->waiting_for_room.store(0, std::memory_order_relaxed);
  return !cancelled();
}

void WorkerPort::finish(Ending ending) {
  put_frame_header(ending == Ending::complete ? FrameType::end : FrameType::broken, 0);
  const i64 now = now_ns();
  last_service_ns_ = now - taken_ns_;
  const bool batching = last_service_ns_ < put_off_service_ns_max && has_work() &&
                        (put_off_ == 0 || now - put_off_since_ < put_off_ns_max);
  // From here on the slot is the edge's.
  publish();
  tell_edge(batching);
  endpoint_.started_ns.store(0, std::memory_order_relaxed);
  endpoint_.requests.store(endpoint_.requests.load(std::memory_order_relaxed) + 1,
                           std::memory_order_relaxed);
  endpoint_.busy_ns.store(
      endpoint_.busy_ns.load(std::memory_order_relaxed) + static_cast<u64>(last_service_ns_),
      std::memory_order_relaxed);
  look_for_edge(now);
}

}  // namespace labcoat::channel
