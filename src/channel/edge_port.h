// EdgePort: the channel as one edge thread sees it. Requests go into slots and into the queue,
// answers come out as frames. Nothing that a worker wrote is believed: it is copied once, then
// checked; what does not hold together is `corrupt`.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "channel/edge_channel.h"
#include "channel/recent_times.h"
#include "channel/request_writer.h"
#include "channel/ring.h"

namespace labcoat::channel {

// One edge thread's slots. Not thread-safe.
class EdgePort {
 public:
  // Frames as the edge hears them, in this order: hints*, head, (data | file)*, trailers?, end |
  // broken; of a WebSocket accept, message*, close?, end | broken. Whether they come in this order
  // is for the layer above to see.
  struct Head {
    u16 status;
    i64 body_bytes;  // -1: not known
    u32 field_count;
    std::string_view reason;
    std::string_view fields;  // field_count times { FieldHeader, name, value }, lengths checked
  };
  enum class Output {
    nothing_yet,
    hints,
    head,
    data,
    file,
    trailers,
    accept,   // `head` is set
    message,  // `data`, `more` and `message` are set; dealt with as data is
    close,    // `close` is set
    end,
    broken,
    corrupt
  };
  struct Message {
    bool text = false;
    bool last = false;  // piece of the message
  };
  struct Close {
    u16 code;
    std::string_view reason;  // valid until the next call of next()
  };
  struct Frame {
    Output kind = Output::nothing_yet;
    Head head;  // of hints, head and trailers; valid until the next call of next()
    std::string_view data,
        more;  // of data: the worker may still scribble over them; `more` is what wrapped around
    FileSpan file;  // of file
    Message message;
    Close close;
  };

  EdgePort(EdgeChannel& channel, u32 thread);

  enum class Use : u8 { request, socket };  // what a slot is for
  // A slot to fill, or nothing when all are in use: the queue is full.
  std::optional<u32> acquire(void* owner, Use use = Use::request);
  RequestWriter write(u32 slot);
  RequestInfo& info(u32 slot) { return mapping_.slot(slot).request; }
  // Gives a slot back that was never enqueued.
  void release(u32 slot);
  // Puts the request into the queue. Bells are rung by ring(), once a batch.
  void enqueue(u32 slot, Priority lane = Priority::normal);
  void ring();
  // From here until it is free again, also when its client has gone and a worker still has it, the
  // slot occupies a place of this number (0 to 65534), and `on_place_free` hears when it does not.
  void occupy(u32 slot, u16 place) { slots_[local(slot)].place = place; }
  std::function<void(u16 place)> on_place_free;

  void* owner(u32 slot) const { return slots_[local(slot)].owner; }
  u32 generation(u32 slot) const { return slots_[local(slot)].generation; }
  u32 in_use() const { return in_use_; }
  // Of those, the ones that are WebSockets, or ask to become one.
  u32 sockets_in_use() const { return sockets_in_use_; }
  // Requests of this thread that a worker may be answering or about to take.
  u32 outstanding() const { return outstanding_; }
  // Whether a worker has the request; false: it still waits in the queue.
  bool is_taken(u32 slot) const;
  // The endpoint that took it, as the slot says; only a number to show.
  u32 taken_by(u32 slot) const;

  // How long the request waited for its worker, by the worker's own clock reading; never negative.
  i64 queue_wait_ns(u32 slot) const;

  // One request that has been answered, for those who look at percentiles; a negative wait is none.
  void count_times(i64 now, i64 response_us, i64 queue_wait_us) {
    channel::count_times(mapping_.times(thread_), now, response_us, queue_wait_us);
  }

  // Takes a request back that no worker has taken: true, and the slot is free. False: a worker has
  // it.
  bool withdraw(u32 slot);
  // Nobody wants the answer any more. The slot is freed now or when its worker lets go of it; the
  // owner is forgotten.
  void abandon(u32 slot);
  // The client of a request that a worker has taken has shut its side: it may still read, or be
  // gone as well. An app that asks hears of it; its answer goes on.
  void client_shut(u32 slot);

  // Calls `news(slot)` for every slot with an owner and news, and deals with the abandoned ones.
  // Returns their number.
  template <class F>
  u32 for_each_dirty(F&& news);

  // The next frame of a slot's response. For data and file frames call consumed() when the bytes
  // are dealt with.
  void next(u32 slot, Frame& out);
  // Whether the last frame of the response is there already, read or not.
  bool has_ended(u32 slot);
  // Of the current data frame: these many bytes may be overwritten now.
  void consumed(u32 slot, size_t bytes);
  // What the worker wrote breaks the rules of a layer above: the slot counts as corrupt from here
  // on.
  void condemn(u32 slot) { slots_[local(slot)].corrupt = true; }
  bool is_corrupt(u32 slot) const { return slots_[local(slot)].corrupt; }

  // The inbox of a WebSocket, from Output::accept on; edge_port_inbox.cc.
  // Bytes that the payload of the next frame may have. 0: wait for news of the slot, unless it is
  // corrupt.
  size_t inbox_room(u32 slot);
  // One of the four types of messages. Bells are rung by ring(), once a batch.
  void put_message(u32 slot, FrameType type, std::string_view payload);
  // The last frame: there is always room for it. A longer reason than a frame may have is cut.
  void put_close(u32 slot, u16 code, std::string_view reason);

  // After Output::end, broken or corrupt has been dealt with: the slot is free (or, when corrupt,
  // waits for its worker's end).
  void done(u32 slot);

  // An endpoint's process is dead (EdgeChannel::remove_endpoint was called). Calls `orphaned(slot)`
  // for every slot with an owner that it had taken; complete answers it has left behind can still
  // be read with next(). The callback must end with done(), requeue() or fail() for the slot unless
  // it is free by then.
  template <class F>
  void bury(u32 endpoint, F&& orphaned);
  // Back into the queue, as a new generation, after its worker died without having published
  // anything that was passed on.
  void requeue(u32 slot);
  // Frees a slot whose worker is dead.
  void free_dead(u32 slot);

  // Going to sleep. begin_sleep says how deep: light sleep lasts a millisecond at most and lets
  // workers put off the bell. False: there is news, do not sleep. end_sleep in any case.
  bool begin_sleep(bool light);
  void end_sleep();

 private:
  static constexpr u16 no_place = 0xffff;
  struct SlotState {
    void* owner = nullptr;
    u32 generation = 1;
    bool used = false;
    bool queued = false;  // enqueued and not done
    bool abandoned = false;
    bool corrupt = false;
    bool socket = false;
    Priority lane = Priority::normal;
    u16 place = no_place;
    u64 inbox_written = 0;
    u64 consumed = 0;      // bytes of frames, as published to the worker
    u64 payload_left = 0;  // of the current data frame
    u64 padding = 0;       // behind it
  };

  u32 local(u32 slot) const { return slot - first_; }
  bool is_possible(const SlotState& state, u64 claim) const {
    const bool ready = claim == make_claim(state.generation, 0, channel::SlotState::ready);
    const bool taken = claim_generation(claim) == state.generation &&
                       claim_state(claim) == channel::SlotState::taken &&
                       claim_endpoint(claim) < mapping_.shape().endpoints;
    return ready || taken;
  }
  u64 available(u32 slot, SlotState& state);
  Ring response_ring(u32 slot) const {
    return {mapping_.response_ring(slot), mapping_.shape().response_bytes};
  }
  Ring inbox_ring(u32 slot) const { return {mapping_.inbox(slot), mapping_.shape().inbox_bytes}; }
  Output read_frame(u32 slot, SlotState& state, const FrameHeader& header, Frame& out);
  Output read_close(u32 slot, const SlotState& state, u64 payload, Frame& out);
  void put_frame(u32 slot, FrameType type, std::string_view head, std::string_view payload);
  void wake_worker(u32 slot);
  void wake_socket(u32 slot);
  Output read_head(u32 slot, SlotState& state, FrameType type, u64 payload, Frame& out);
  void made_room(u32 slot, SlotState& state, u64 bytes);
  void drain_abandoned(u32 slot);
  void make_free(u32 slot);
  bool any_dirty() const;

  EdgeChannel& channel_;
  const Mapping& mapping_;
  const u32 thread_;
  const u32 first_;
  EdgeThread& bed_;
  std::vector<SlotState> slots_;
  std::vector<u32> free_;  // last in, first out: warm caches
  u32 words_used_ = 0;     // of dirty bits: no slot beyond them was ever in use
  u32 in_use_ = 0;
  u32 sockets_in_use_ = 0;
  u32 outstanding_ = 0;
  u32 enqueued_ = 0;  // since the last ring()
  u32 enqueued_sockets_ = 0;
  std::vector<u32> listeners_;  // endpoints with a new inbox bit since then
  std::vector<char> head_copy_;
};

template <class F>
u32 EdgePort::for_each_dirty(F&& news) {
  u32 count = 0;
  std::atomic<u64>* words = mapping_.dirty(thread_);
  for (u32 i = 0; i < words_used_; ++i) {
    if (words[i].load(std::memory_order_relaxed) == 0) continue;
    u64 bits = words[i].exchange(0, std::memory_order_acquire);
    for (; bits != 0; bits &= bits - 1) {
      const u32 slot = first_ + i * 64 + static_cast<u32>(__builtin_ctzll(bits));
      const SlotState& state = slots_[local(slot)];
      if (!state.queued) continue;  // a worker's bit that came after its last frame had been read
      ++count;
      if (state.abandoned) {
        drain_abandoned(slot);
      } else {
        news(slot);
      }
    }
  }
  return count;
}

template <class F>
void EdgePort::bury(u32 endpoint, F&& orphaned) {
  for (u32 i = 0; i < slots_.size(); ++i) {
    const u32 slot = first_ + i;
    const SlotState& state = slots_[i];
    if (!state.queued) continue;
    const u64 claim = mapping_.slot(slot).claim.load(std::memory_order_acquire);
    // Its claim; or one that nobody can have made, so that a worker's scribbling ends with it at
    // the latest.
    const bool its = claim == make_claim(state.generation, endpoint, channel::SlotState::taken);
    if (!its && is_possible(state, claim)) continue;
    if (state.abandoned || state.corrupt) {
      free_dead(slot);
    } else {
      orphaned(slot);
    }
  }
}

}  // namespace labcoat::channel
