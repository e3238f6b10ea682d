// WorkerPort: the channel as one worker thread sees it. It takes requests from the app's queue and
// publishes responses as frames. One per endpoint; not thread-safe. Methods that may block say so:
// call them without the GIL. A thread of a WSGI worker has one request at a time; an event loop
// works on many by turns, and says with use() which one it speaks of.
#pragma once

#include <algorithm>
#include <span>
#include <string_view>
#include <vector>

#include "channel/channel.h"
#include "channel/ring.h"

namespace labcoat::channel {

struct NameValue {
  std::string_view name;
  std::string_view value;
};

// Walks the fields of a request, in the order the client sent them.
class FieldReader {
 public:
  FieldReader(const char* at, u32 count) : at_(at), left_(count) {}
  bool next(NameValue& out);

 private:
  const char* at_;
  u32 left_;
};

// A request that an endpoint has taken: where it lies, and how far its response has come. Only
// WorkerPort looks inside. Stays where it is from take() to finish().
struct TakenRequest {
  u32 slot = 0;
  u32 generation = 0;
  Slot* control = nullptr;
  const RequestInfo* info = nullptr;
  std::string_view method, target, path, query, server_name, remote_address, body;
  const char* fields = nullptr;
  char* ring = nullptr;
  u64 written = 0;  // including what is not published yet
  u64 published = 0;
  i64 taken_ns = 0;
  void* owner = nullptr;   // the caller's own: whose it is
  bool on_board = false;   // among the requests that the scoreboard shows
  bool socket = false;     // asks for a WebSocket, or is one
  u64 inbox_consumed = 0;  // frames read, the current one not
  u64 inbox_frame = 0;     // bytes of the current one
  // Its neighbours among the requests that this endpoint has, oldest first.
  TakenRequest* older = nullptr;
  TakenRequest* newer = nullptr;
};

class WorkerPort {
 public:
  struct Settings {
    u32 endpoint = 0;
    int doorbell = -1;  // eventfd, non-blocking, borrowed
    int control =
        -1;  // our end of the edge's control socket, borrowed: its closing means the edge is gone
    std::vector<int> edge_doorbells;  // one per edge thread, borrowed
    i64 spin_ns = 0;                  // look at the queue for so long before sleeping
    // Bells for an edge that sleeps lightly always wait for ring_put_off(), which the caller
    // promises to call soon: an event loop rings once for all that a turn of it has done.
    bool rings_in_turns = false;
  };

  // The mapping outlives the port.
  WorkerPort(const Mapping& mapping, Settings settings);

  // Takes the oldest waiting request of the highest priority. False: none waits, or the channel
  // closes. Never blocks.
  bool take() { return take(own_); }
  // The same, for those who hold several: the request is the one in use afterwards.
  bool take(TakenRequest& into);
  // The request in use lies in `to` from here on.
  void move_to(TakenRequest& to);
  // The methods below are about this request from here on. It is not finished.
  void use(TakenRequest& request) { held_ = &request; }
  // Of the requests that this endpoint has, the one it took first (its `newer` is the next one);
  // nullptr: none. WebSockets that are accepted are not among them.
  TakenRequest* oldest() const { return oldest_; }
  // Whether take() would find something to look at.
  bool has_work() const;
  // How many requests wait, spent entries of the queue included.
  u64 waiting() const;
  // Lets others run once before it rings what was put off, looks for work for spin_ns, then sleeps
  // until rung, until the edge is gone or a signal comes. Blocks.
  void wait();
  // The edge has closed its end of the control socket: it is dead, or takes this worker for dead.
  // Nothing may be taken any more. Known after wait() and wait_for_room(); a worker that never has
  // to wait learns it from finish(), some time later.
  bool edge_gone() const { return edge_gone_; }
  // As wait() without the sleep: rings the bells that were put off. For event loops that poll the
  // doorbell themselves.
  void ring_put_off();
  bool has_put_off() const { return put_off_ != 0; }
  // For event loops, in place of wait(): says that this endpoint sleeps, so that the edge rings its
  // doorbell for the next request. False: there is work already, and it is awake.
  bool begin_sleep();
  void end_sleep();
  // Empties the doorbell, which somebody polls.
  void silence_doorbell();
  bool closing() const { return mapping_.header().closing.load(std::memory_order_relaxed) != 0; }

  // The request that was taken; valid until finish().
  const RequestInfo& request() const { return *held_->info; }
  std::string_view method() const { return held_->method; }
  std::string_view target() const { return held_->target; }
  std::string_view path() const { return held_->path; }
  // The two parts of the path: where the app is mounted, and what is left for it.
  std::string_view script_name() const { return path().substr(0, request().script_name_bytes); }
  std::string_view path_info() const { return path().substr(request().script_name_bytes); }
  std::string_view query() const { return held_->query; }
  std::string_view server_name() const { return held_->server_name; }
  std::string_view remote_address() const { return held_->remote_address; }
  FieldReader fields() const { return {held_->fields, held_->info->field_count}; }
  // Empty when the body is in a file (request_body_in_file): see WorkerControl::fetch_body.
  std::string_view inline_body() const { return held_->body; }
  u32 slot() const { return held_->slot; }
  u32 generation() const { return held_->generation; }
  i64 taken_ns() const { return held_->taken_ns; }

  // The response. Nothing is visible to the edge before flush(), finish() or a full ring.
  // A head must fit into the ring: head_bytes_max says how large reason and fields (8 bytes more
  // for each) may be together.
  size_t head_bytes_max() const { return mapping_.shape().response_bytes / 2; }
  // May block until there is room; false: the client is gone.
  bool write_head(u16 status, i64 body_bytes, std::string_view reason,
                  std::span<const NameValue> fields);
  // As many bytes as there is room for now, 0 when the ring is full: then flush and
  // wait_for_room().
  size_t write_some(std::string_view data);
  // All of it; blocks while the ring is full. False: the client is gone; what follows may be left
  // out.
  bool write_data(std::string_view data);
  bool would_block(size_t bytes) const { return room() < bytes + 2 * frame_overhead; }
  // Fields of a 103, before the head, as often as there are some. They are only hints: without room
  // for them (false) they are left out.
  bool write_hints(std::span<const NameValue> fields);
  // In front of a complete end, once. False: there is no room yet for so much as fields_room says.
  bool write_trailers(std::span<const NameValue> fields);
  static size_t fields_room(std::span<const NameValue> fields);
  // May block until there is room; false: the client is gone.
  bool write_file(const FileSpan& file);
  // Publishes what was written and rings the edge at once.
  void flush();
  // Blocks until at least `bytes` are free. False: the client (or the edge) is gone.
  bool wait_for_room(size_t bytes);
  // For event loops, in place of wait_for_room(): whether there is room by now, or nobody wants the
  // answer any more. If not, the doorbell will be rung when there is room or the client has gone.
  bool ask_for_room(size_t bytes);
  // client_shut(); if not, the doorbell will be rung when it becomes true.
  bool ask_for_end();
  // Whether the edge has rung for what this request asked for (or it asked for nothing).
  bool was_rung() const {
    return held_->control->waiting_for_room.load(std::memory_order_relaxed) == 0;
  }
  // What one wait should ask for: half a ring at a time, so that the edge sends one half while we
  // fill the other.
  size_t room_worth_waiting_for(size_t bytes) const {
    return std::min<size_t>(bytes, mapping_.shape().response_bytes / 2);
  }
  // Ends the response; `broken` after a failure that the client must notice. The request is gone
  // afterwards.
  enum class Ending { complete, broken };
  void finish(Ending ending);
  // The client is gone: the response interests nobody any more.
  bool cancelled() const { return held_->control->cancelled.load(std::memory_order_relaxed) == 1; }
  // The client is gone, or has at least shut its side of the connection: it may still read.
  bool client_shut() const {
    return held_->control->cancelled.load(std::memory_order_relaxed) != 0;
  }

  // Whether nothing of this response was published yet.
  bool nothing_published() const { return held_->published == 0; }

  // WebSockets; worker_port_socket.cc. Only for event loops.
  // Whether the request asks for one; if the client got it wrong, the status to answer.
  bool asks_for_socket() const { return request().websocket == 101; }
  u32 socket_refusal() const { return asks_for_socket() ? 0 : request().websocket; }
  // From take() on: its news are told by for_each_rung. Until finish().
  void open_socket();
  // Instead of a head, once nothing of the request is needed any more: the strings above are gone
  // afterwards, and its time is no longer looked at. There is always room for it.
  void accept_socket(std::span<const NameValue> fields);
  // Writes a message, or as much of it as there is room for: what was written is taken off `rest`.
  // True: all of it. Otherwise flush, ask_for_room, and go on with the rest.
  enum class MessageKind : u8 { text, binary };
  bool write_message(MessageKind kind, std::string_view& rest);
  // Always fits; only finish() may follow.
  void write_close(u16 code, std::string_view reason);

  struct InboxFrame {
    FrameType type = FrameType::text;
    std::string_view data, more;  // valid until done_in_inbox(); `more` is what wrapped around
    u16 close_code = 0;           // of close; the reason is `data` and `more`
  };
  // The next frame of the client's; the same again until done_in_inbox(). False: none.
  bool next_in_inbox(InboxFrame& out);
  void done_in_inbox();
  // Whether there is something to read by now; if not, for_each_rung will tell.
  bool ask_for_message();

  // Says that somebody polls the doorbell for news of WebSockets. False: there are some.
  bool begin_listening();
  void end_listening() { endpoint_.listening.store(0, std::memory_order_relaxed); }
  // Calls rung(slot) for each WebSocket of this endpoint that has news. Returns their number.
  template <class F>
  u32 for_each_rung(F&& rung);
  u64 sockets() const { return endpoint_.sockets.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t frame_overhead = sizeof(FrameHeader) + 8;

  bool take_from(Priority priority, TakenRequest& into);
  void open_request(u32 slot, u32 generation);
  size_t room() const;
  void put(const void* bytes, size_t count);
  void put_frame_header(FrameType type, size_t bytes);
  Ring inbox_ring() const { return {mapping_.inbox(held_->slot), mapping_.shape().inbox_bytes}; }
  void rewind_if_empty(size_t frame_bytes);
  void close_socket();
  void pad();
  void put_fields(FrameType type, const ResponseHead& head, std::string_view reason,
                  std::span<const NameValue> fields);
  void publish();
  void tell_edge(bool may_put_off);
  bool let_others_run() const;
  void sleep_until_rung();
  void look_for_edge(i64 now);
  void link();
  void unlink(i64 now);
  void show_oldest();

  const Mapping& mapping_;
  const Settings settings_;
  Endpoint& endpoint_;

  TakenRequest own_;  // of those who have one at a time
  TakenRequest* held_ = &own_;
  TakenRequest* oldest_ = nullptr;
  TakenRequest* newest_ = nullptr;
  i64 busy_since_ns_ = 0;  // while it has any

  u64 put_off_ = 0;  // edge threads whose bell was put off, one bit each
  i64 put_off_since_ = 0;
  i64 last_service_ns_ = 0;
  i64 edge_looked_for_ns_ = 0;
  bool edge_gone_ = false;
  std::vector<u64> socket_bits_;  // the slots that are WebSockets of this endpoint
};

template <class F>
u32 WorkerPort::for_each_rung(F&& rung) {
  u32 count = 0;
  for (u32 i = 0; i < socket_bits_.size(); ++i) {
    if (socket_bits_[i] == 0) continue;
    std::atomic<u64>& word = mapping_.inbox_bits()[i];
    u64 bits = word.load(std::memory_order_relaxed) & socket_bits_[i];
    if (bits == 0) continue;
    word.fetch_and(~bits, std::memory_order_acquire);
    for (; bits != 0; bits &= bits - 1) {
      rung(i * 64 + static_cast<u32>(__builtin_ctzll(bits)));
      ++count;
    }
  }
  return count;
}

}  // namespace labcoat::channel
