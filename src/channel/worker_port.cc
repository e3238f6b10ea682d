#include "channel/worker_port.h"

#include <algorithm>
#include <cstring>
#include <poll.h>
#include <sched.h>
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
  endpoint_.listening.store(0, std::memory_order_relaxed);
  endpoint_.sockets.store(0, std::memory_order_relaxed);
  endpoint_.pid.store(static_cast<u64>(getpid()), std::memory_order_relaxed);
}

bool WorkerPort::has_work() const {
  for (const Lane& lane : mapping_.header().lanes) {
    if (lane.head.load(std::memory_order_relaxed) < lane.tail.load(std::memory_order_acquire)) {
      return true;
    }
  }
  return false;
}

u64 WorkerPort::waiting() const {
  u64 count = 0;
  for (const Lane& lane : mapping_.header().lanes) {
    const u64 head = lane.head.load(std::memory_order_relaxed);
    const u64 tail = lane.tail.load(std::memory_order_relaxed);
    count += head < tail ? tail - head : 0;
  }
  return count;
}

bool WorkerPort::take(TakenRequest& into) {
  return !closing() && (take_from(Priority::high, into) || take_from(Priority::normal, into) ||
                        take_from(Priority::low, into));
}

bool WorkerPort::take_from(Priority priority, TakenRequest& into) {
  Lane& lane = mapping_.lane(priority);
  for (;;) {
    u64 head = lane.head.load(std::memory_order_acquire);
    if (head >= lane.tail.load(std::memory_order_acquire)) return false;
    const u64 entry = mapping_.queue_entry(priority, head).load(std::memory_order_acquire);
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
    lane.head.compare_exchange_strong(head, head + 1, std::memory_order_acq_rel);
    if (taken) {
      held_ = &into;
      open_request(slot, generation);
      return true;
    }
  }
}

void WorkerPort::open_request(u32 slot, u32 generation) {
  TakenRequest& held = *held_;
  held.slot = slot;
  held.generation = generation;
  held.control = &mapping_.slot(slot);
  held.info = &held.control->request;
  const char* at = mapping_.request_area(slot);
  const char* const area = at;
  const auto next = [&at](u32 bytes) {
    const std::string_view text(at, bytes);
    at += bytes;
    return text;
  };
  held.method = next(held.info->method_bytes);
  held.target = next(held.info->target_bytes);
  held.path = next(held.info->path_bytes);
  held.query = next(held.info->query_bytes);
  held.server_name = next(held.info->server_name_bytes);
  held.remote_address = next(held.info->remote_address_bytes);
  held.fields = at;
  const bool in_file = (held.info->flags & request_body_in_file) != 0;
  held.body = in_file ? std::string_view{}
                      : std::string_view(area + held.info->body_offset,
                                         static_cast<size_t>(held.info->body_bytes));
  held.ring = mapping_.response_ring(slot);
  held.written = held.published = 0;
  held.socket = false;
  held.inbox_consumed = held.inbox_frame = 0;
  held.taken_ns = now_ns();
  held.control->taken_ns.store(held.taken_ns, std::memory_order_relaxed);
  link();
}

void WorkerPort::link() {
  held_->on_board = true;
  held_->older = newest_;
  held_->newer = nullptr;
  (newest_ ? newest_->newer : oldest_) = held_;
  newest_ = held_;
  if (oldest_ != held_) return;
  busy_since_ns_ = held_->taken_ns;
  show_oldest();
}

void WorkerPort::move_to(TakenRequest& to) {
  to = *held_;
  held_ = &to;
  if (!to.on_board) return;
  (to.older ? to.older->newer : oldest_) = &to;
  (to.newer ? to.newer->older : newest_) = &to;
}

void WorkerPort::unlink(i64 now) {
  held_->on_board = false;
  const bool was_oldest = oldest_ == held_;
  (held_->older ? held_->older->newer : oldest_) = held_->newer;
  (held_->newer ? held_->newer->older : newest_) = held_->older;
  if (!oldest_) {
    endpoint_.busy_ns.store(
        endpoint_.busy_ns.load(std::memory_order_relaxed) + static_cast<u64>(now - busy_since_ns_),
        std::memory_order_relaxed);
  }
  if (was_oldest) show_oldest();
}

// The scoreboard has one line for an endpoint: of several requests it shows the oldest.
void WorkerPort::show_oldest() {
  if (oldest_) {
    endpoint_.current.store(make_entry(oldest_->slot, oldest_->generation),
                            std::memory_order_relaxed);
  }
  endpoint_.started_ns.store(oldest_ ? oldest_->taken_ns : 0, std::memory_order_relaxed);
}

// Waking the edge for one answer, and being woken for one request, costs more than both. If the
// edge or another worker waits for this very CPU, it goes first, and what has come by then is done
// in one go; else this returns at once. An edge that sleeps lightly need not wait for the bell.
bool WorkerPort::let_others_run() const {
  if (put_off_ == 0) return false;
  sched_yield();
  return has_work();
}

void WorkerPort::wait() {
  if (let_others_run()) return;
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
  if (begin_sleep()) sleep_until_rung();
  end_sleep();
}

bool WorkerPort::begin_sleep() {
  endpoint_.sleeping.store(1, std::memory_order_relaxed);
  // Either we see the entry that was just pushed, or the edge sees that we sleep
  // (EdgeChannel::ring_workers).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!has_work() && !closing()) return true;
  end_sleep();
  return false;
}

void WorkerPort::end_sleep() {
  endpoint_.sleeping.store(0, std::memory_order_relaxed);
}

void WorkerPort::silence_doorbell() {
  u64 count;
  [[maybe_unused]] const ssize_t got = ::read(settings_.doorbell, &count, sizeof count);
}

void WorkerPort::sleep_until_rung() {
  // Of the control socket only an error or a hang-up can be reported.
  pollfd fds[2] = {{settings_.doorbell, POLLIN, 0}, {settings_.control, 0, 0}};
  if (::poll(fds, 2, -1) <= 0) return;
  if ((fds[0].revents & POLLIN) != 0) silence_doorbell();
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
  const u64 consumed = held_->control->consumed.load(std::memory_order_acquire);
  return mapping_.shape().response_bytes - static_cast<size_t>(held_->written - consumed);
}

void WorkerPort::put(const void* bytes, size_t count) {
  Ring(held_->ring, mapping_.shape().response_bytes).write(held_->written, bytes, count);
  held_->written += count;
}

void WorkerPort::put_frame_header(FrameType type, size_t bytes) {
  const FrameHeader header{static_cast<u32>(type), static_cast<u32>(bytes)};
  put(&header, sizeof header);
}

void WorkerPort::pad() {
  held_->written = padded(held_->written);
}

void WorkerPort::publish() {
  held_->control->written.store(held_->written, std::memory_order_release);
  held_->published = held_->written;
}

// Says that the slot has news. `may_put_off`: the bell may wait until this worker has looked at its
// queue again.
void WorkerPort::tell_edge(bool may_put_off) {
  const u32 thread = mapping_.thread_of(held_->slot);
  const u32 index = held_->slot - thread * mapping_.shape().slots_per_thread;
  mapping_.dirty(thread)[index / 64].fetch_or(u64{1} << (index % 64), std::memory_order_release);
  // Either the edge finds the bit before it sleeps, or we find that it sleeps
  // (EdgePort::may_sleep).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  std::atomic<u32>& sleeping = mapping_.edge_thread(thread).sleeping;
  const u32 depth = sleeping.load(std::memory_order_relaxed);
  if (depth == 0) return;
  if (depth == 1 && (may_put_off || settings_.rings_in_turns)) {
    if (put_off_ == 0) put_off_since_ = now_ns();
    put_off_ |= u64{1} << thread;
    return;
  }
  put_off_ &= ~(u64{1} << thread);
  if (sleeping.exchange(0, std::memory_order_acq_rel) != 0) {
    ring_doorbell(settings_.edge_doorbells[thread]);
  }
}

size_t WorkerPort::fields_room(std::span<const NameValue> fields) {
  size_t bytes = sizeof(ResponseHead);
  for (const NameValue& field : fields) {
    bytes += sizeof(FieldHeader) + field.name.size() + field.value.size();
  }
  return bytes + 2 * frame_overhead;
}

void WorkerPort::put_fields(FrameType type, const ResponseHead& head, std::string_view reason,
                            std::span<const NameValue> fields) {
  const size_t bytes = fields_room(fields) - 2 * frame_overhead + reason.size();
  const FrameHeader frame{static_cast<u32>(type), static_cast<u32>(bytes)};
  const auto pieces = [&](const auto& add) {
    add(&frame, sizeof frame);
    add(&head, sizeof head);
    add(reason.data(), reason.size());
    for (const NameValue& field : fields) {
      const FieldHeader header{static_cast<u32>(field.name.size()),
                               static_cast<u32>(field.value.size())};
      add(&header, sizeof header);
      add(field.name.data(), field.name.size());
      add(field.value.data(), field.value.size());
    }
  };
  const Ring ring(held_->ring, mapping_.shape().response_bytes);
  // Nearly always in one piece: then nothing needs to be asked of each of its small parts.
  if (char* at = ring.whole(held_->written, sizeof frame + bytes); at != nullptr) {
    pieces([&at](const void* part, size_t count) {
      if (count > 0) std::memcpy(at, part, count);
      at += count;
    });
    held_->written += sizeof frame + bytes;
  } else {
    pieces([this](const void* part, size_t count) { put(part, count); });
  }
  pad();
}

bool WorkerPort::write_head(u16 status, i64 body_bytes, std::string_view reason,
                            std::span<const NameValue> fields) {
  const size_t bytes = fields_room(fields) + reason.size();
  CHECK(bytes <= sizeof(ResponseHead) + head_bytes_max() + 2 * frame_overhead);
  if (room() < bytes && !wait_for_room(bytes)) return false;
  put_fields(FrameType::head,
             {status, static_cast<u16>(reason.size()), static_cast<u32>(fields.size()), body_bytes},
             reason, fields);
  return true;
}

bool WorkerPort::write_hints(std::span<const NameValue> fields) {
  // A head must find room behind them, and it does not wait where there is an event loop.
  const size_t left = head_bytes_max() + sizeof(ResponseHead) + 2 * frame_overhead;
  if (room() < fields_room(fields) + left || cancelled()) return false;
  constexpr u16 early_hints = 103;
  put_fields(FrameType::hints, {early_hints, 0, static_cast<u32>(fields.size()), -1}, {}, fields);
  return true;
}

bool WorkerPort::write_trailers(std::span<const NameValue> fields) {
  if (room() < fields_room(fields)) return false;
  put_fields(FrameType::trailers, {0, 0, static_cast<u32>(fields.size()), -1}, {}, fields);
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
    if (!data.empty() && !wait_for_room(room_worth_waiting_for(data.size()))) return false;
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
  if (held_->published == held_->written) return;
  publish();
  tell_edge(false);
}

bool WorkerPort::wait_for_room(size_t bytes) {
  bytes += 2 * frame_overhead;
  flush();
  ring_put_off();
  while (room() < bytes) {
    if (cancelled()) return false;
    held_->control->waiting_for_room.store(1, std::memory_order_relaxed);
    // Either we see the room that was just made, or the edge sees that we wait
    // (EdgePort::made_room).
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (room() >= bytes || cancelled()) break;
    sleep_until_rung();
    if (edge_gone_) return false;  // nobody will make room
  }
  held_->control->waiting_for_room.store(0, std::memory_order_relaxed);
  return !cancelled();
}

bool WorkerPort::ask_for_room(size_t bytes) {
  bytes += 2 * frame_overhead;
  flush();
  held_->control->waiting_for_room.store(1, std::memory_order_relaxed);
  // As in wait_for_room.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (room() < bytes && !cancelled()) return false;
  held_->control->waiting_for_room.store(0, std::memory_order_relaxed);
  return true;
}

bool WorkerPort::ask_for_end() {
  held_->control->waiting_for_room.store(2, std::memory_order_relaxed);
  // Either we see that it has ended, or the edge sees that we want to hear it (EdgePort::abandon,
  // client_shut).
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return client_shut();
}

void WorkerPort::finish(Ending ending) {
  put_frame_header(ending == Ending::complete ? FrameType::end : FrameType::broken, 0);
  const i64 now = now_ns();
  if (held_->on_board) last_service_ns_ = now - held_->taken_ns;
  // Also when nothing waits: wait() comes next, and looks once more before it rings.
  const bool may_put_off = last_service_ns_ < put_off_service_ns_max &&
                           (put_off_ == 0 || now - put_off_since_ < put_off_ns_max);
  // From here on the slot is the edge's.
  publish();
  tell_edge(may_put_off);
  if (held_->on_board) unlink(now);
  if (held_->socket) close_socket();
  endpoint_.requests.store(endpoint_.requests.load(std::memory_order_relaxed) + 1,
                           std::memory_order_relaxed);
  look_for_edge(now);
}

}  // namespace labcoat::channel
