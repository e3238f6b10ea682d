// The channel's bytes: a sealed memfd, one per app, shared by the edge and the workers. This header
// is the format, as docs/formats/channel.md tells it in words; both sides include it and nothing
// else of each other.
//
// Rules that make it safe to be killed at any instruction:
//  - Ownership of a slot is one 64-bit word, `claim`. A worker takes a request by one
//  compare-and-swap on it, so there is no
//    moment at which a request belongs to nobody. The queue's head is only a hint that anybody may
//    push forward.
//  - Every word has one writer (named below), but for `claim` (compare-and-swap) and the flags that
//  are exchanged.
//  - Nothing here is a pointer, a lock or a length that the edge believes: it copies what a worker
//  wrote, then checks it.
#pragma once

#include <atomic>
#include <cstddef>

#include "base/clock.h"

namespace labcoat::channel {

constexpr u64 magic = 0x314e484354414f43;  // "COATCHN1"
constexpr u32 version = 6;

constexpr size_t cache_line = 64;
// The queue has a lane for each priority: a worker takes from one only while those before it are
// empty.
enum class Priority : u8 { high = 0, normal = 1, low = 2 };
constexpr u32 lane_count = 3;

constexpr u32 slots_max = 1 << 16;
constexpr u32 endpoints_max =
    1024;  // ids 0..1023; reused only after the edge has let go of a dead one
constexpr u32 edge_threads_max = 64;

// One worker thread's (or event loop's) place in the channel; also its row of the scoreboard.
struct alignas(2 * cache_line) Endpoint {
  // Written by the worker, exchanged to 0 by whoever rings: 1 while it sleeps on its doorbell or is
  // about to.
  std::atomic<u32> sleeping;
  // The same for its WebSockets: 1 while it must be rung when one of them has its inbox bit set.
  std::atomic<u32> listening;
  // Scoreboard, written by the worker alone.
  std::atomic<u64> pid;
  std::atomic<u64> requests;    // finished
  std::atomic<u64> busy_ns;     // time spent inside the app
  std::atomic<i64> started_ns;  // when the current request was taken; 0 while idle
  std::atomic<u64> current;     // queue entry of the current request
  std::atomic<u64> sockets;     // WebSockets it has
};
static_assert(sizeof(Endpoint) == 128);

// Where an edge thread says whether it must be woken. Its slots are the ones from index * (slots /
// edge threads) on; which of them have news stands in the dirty bits, one per slot, set by workers
// and taken by the edge. The inbox bits are the same the other way round: set by the edge, taken by
// the worker that has the slot.
struct alignas(2 * cache_line) EdgeThread {
  // Written by the edge thread: 0 awake; 1 asleep for at most a millisecond, so a bell may be put
  // off until the batch is done; 2 asleep until rung. Exchanged to 0 by whoever rings.
  std::atomic<u32> sleeping;
};
static_assert(sizeof(EdgeThread) == 128);

// How long requests took of late: two histograms for each of the last slices of time. Written by
// one edge thread, read by anybody who finds the same `number` before and after (recent_times.h).
constexpr u32 time_slices = 6;
constexpr i64 time_slice_ns = 2 * seconds;
constexpr u32 time_buckets = 464;  // of whole microseconds up to 71 minutes, each 1/16 wide
struct alignas(cache_line) TimeSlice {
  std::atomic<i64> number;  // time / time_slice_ns; -1 while the counts are being cleared
  std::atomic<u32> response[time_buckets];
  std::atomic<u32> queue_wait[time_buckets];
};
static_assert(sizeof(TimeSlice) == 3776);

enum class SlotState : u8 {
  free = 0,   // the edge's
  ready = 1,  // queued; any worker may take it, the edge may take it back
  taken = 2,  // an endpoint's, until it publishes its last frame or dies
};

// claim = generation << 32 | endpoint << 8 | state
constexpr u64 make_claim(u32 generation, u32 endpoint, SlotState state) {
  return (u64{generation} << 32) | (u64{endpoint} << 8) | static_cast<u64>(state);
}
constexpr u32 claim_generation(u64 claim) {
  return static_cast<u32>(claim >> 32);
}
constexpr u32 claim_endpoint(u64 claim) {
  return static_cast<u32>(claim >> 8) & 0xffffff;
}
constexpr SlotState claim_state(u64 claim) {
  return static_cast<SlotState>(claim & 0xff);
}

// A queue entry names a slot and the generation it was queued with; a worker that finds another
// generation, or a state other than ready, drops the entry.
constexpr u64 make_entry(u32 slot, u32 generation) {
  return (u64{generation} << 32) | slot;
}
constexpr u32 entry_slot(u64 entry) {
  return static_cast<u32>(entry);
}
constexpr u32 entry_generation(u64 entry) {
  return static_cast<u32>(entry >> 32);
}

enum RequestFlags : u32 {
  request_https = 1,         // scheme
  request_http10 = 2,        // HTTP/1.0, else HTTP/1.1
  request_body_in_file = 4,  // the body is in a file whose descriptor the edge sends when asked
  request_repeated = 8,      // a worker died with it once already
  request_http2 = 16,        // HTTP/2
};

// Strings of the request lie one behind the other in the request area, in this order, without
// separators: method, target (as sent), path (decoded and normalised), query, server name, remote
// address; then `field_count` times { FieldHeader, name, value }; then, unless
// request_body_in_file, the body at `body_offset`.
struct RequestInfo {
  u64 id;           // unique in this run; shown in logs as 16 hex digits
  i64 received_ns;  // first byte read
  i64 enqueued_ns;
  i64 deadline_ns;  // waiting longer than this is answered 503; 0: none
  i64 body_bytes;
  u32 flags;
  u32 field_count;
  u32 method_bytes;
  u32 target_bytes;
  u32 path_bytes;
  u32 query_bytes;
  u32 server_name_bytes;
  u32 remote_address_bytes;
  u32 body_offset;  // from the start of the request area
  u16 server_port;
  u16 remote_port;
  u32 script_name_bytes;  // so much of the path's beginning is the app's own place (SCRIPT_NAME)
  // 0: an ordinary request. 101: it asks for a WebSocket, as it should. Otherwise the status that
  // its asking is answered with, if the app speaks WebSocket at all.
  u32 websocket;
  i64 waited_before_ns;  // in front of us, as a trusted proxy says (X-Request-Start); 0: not said
};
static_assert(sizeof(RequestInfo) == 96);

// In requests and in response heads; name and value follow without separators or padding.
struct FieldHeader {
  u32 name_bytes;
  u32 value_bytes;
};
static_assert(sizeof(FieldHeader) == 8);

// The response is a stream of frames in the slot's ring. Frames start at multiples of 8; a payload
// may wrap around.
enum class FrameType : u32 {
  head = 1,      // ResponseHead, reason, then field_count times { FieldHeader, name, value }
  data = 2,      // body bytes
  file = 3,      // FileSpan; the descriptor travels over the worker's control socket
  end = 4,       // the response is complete; the worker never touches the slot again
  broken = 5,    // the app failed after the head: the edge must break the connection off; also the
                 // last frame
  hints = 6,     // ResponseHead of status 103 and its fields; before the head, several times
  trailers = 7,  // ResponseHead of status 0 and fields, in front of end

  // Of WebSockets. Those of messages and `skip` go both ways, in a slot's inbox as well.
  accept = 16,       // instead of head: ResponseHead with status 101, and fields as there
  text = 17,         // a whole message, or the last piece of one
  binary = 18,       //
  text_part = 19,    // a piece of a message that goes on in the next frame
  binary_part = 20,  //
  close = 21,        // CloseFrame, then the reason: nothing but `end` follows it
  skip = 22,         // nothing: the ring was empty, and begins again at its beginning
};

struct FrameHeader {
  u32 type;   // FrameType
  u32 bytes;  // of payload, without the padding to 8
};
static_assert(sizeof(FrameHeader) == 8);
constexpr u64 padded(u64 payload_bytes) {
  return (payload_bytes + 7) & ~u64{7};
}

struct ResponseHead {
  u16 status;  // 200..599
  u16 reason_bytes;
  u32 field_count;
  i64 body_bytes;  // what the app's Content-Length says, or what the worker counted; -1: not known
};
static_assert(sizeof(ResponseHead) == 16);

// From the worker: the app wants to close. From the edge: the WebSocket is closed, or its client
// gone.
struct CloseFrame {
  u16 code;
  u16 reason_bytes;
  u32 pad;
};
static_assert(sizeof(CloseFrame) == 8);
constexpr size_t close_reason_bytes_max = 123;  // RFC 6455 section 5.5

struct FileSpan {
  u64 number;  // counts the file descriptors this endpoint has sent over its control socket, from 0
  i64 offset;
  i64 bytes;
};
static_assert(sizeof(FileSpan) == 24);

struct alignas(4 * cache_line) Slot {
  // Line 1: claimed by workers, the rest written by the edge before it makes the slot ready.
  std::atomic<u64> claim;
  u64 pad0[7];
  // Lines 2-3, edge.
  RequestInfo request;
  u8 pad1[128 - sizeof(RequestInfo)];
  // Line 4, two halves. By the worker: bytes of frames published since the slot was made ready; the
  // release store pairs with the edge's acquire load.
  std::atomic<u64> written;
  std::atomic<u32>
      waiting_for_room;  // set by the worker, exchanged to 0 by the edge when it rings: 1 for room
                         // or when the client has gone, 2 only for the latter
  u32 pad2;
  // By the edge: bytes of frames it has copied out (release, pairs with the worker's acquire load).
  std::atomic<u64> consumed;
  // 1: the client is gone, stop as soon as convenient. 2: it has shut its side; it may still read,
  // or be gone as well.
  std::atomic<u32> cancelled;
  u32 pad3;
  std::atomic<i64>
      taken_ns;  // by the worker: when it took the request; only shown, never computed with
  // The inbox: what a WebSocket's client sends, in frames. From the worker's `accept` on it is a
  // ring in the request area (Header::inbox_bytes). By the edge: bytes of frames published
  // (release).
  std::atomic<u64> inbox_written;
  // By the worker: bytes of frames it has copied out (release).
  std::atomic<u64> inbox_consumed;
  // 1: the worker waits for a message. Set by it, exchanged to 0 by the edge, which then sets the
  // inbox bit.
  std::atomic<u32> waiting_for_message;
  // 1: the edge waits for room in the inbox. Set by it, exchanged to 0 by the worker, which then
  // sets the dirty bit.
  std::atomic<u32> waiting_for_inbox;
};
static_assert(sizeof(Slot) == 256);
static_assert(offsetof(Slot, request) == 64 && offsetof(Slot, written) == 192);
static_assert(std::atomic<u64>::is_always_lock_free && std::atomic<u32>::is_always_lock_free);

// The two ends of a lane.
struct Lane {
  // Written by the edge: one past the last entry. The release store pairs with the workers' acquire
  // loads.
  alignas(128) std::atomic<u64> tail;
  // Pushed forward by whoever finds the entry it points to no longer ready.
  alignas(128) std::atomic<u64> head;
};
static_assert(sizeof(Lane) == 256);

// The first page. Constant after creation, but for the ends of the lanes and `closing`.
struct alignas(4096) Header {
  u64 magic;
  u32 version;
  u32 slot_count;  // a multiple of 64 * edge_thread_count
  u32 endpoint_count;
  u32 edge_thread_count;
  u32 queue_capacity;  // of each lane; a power of two, at least 4 * slot_count
  u32 request_bytes;   // size of a slot's request area
  u32 response_bytes;  // size of a slot's response ring; a power of two
  u32 inbox_bytes;     // size of a slot's inbox: the largest power of two within the request area
  u64 file_bytes;
  u64 endpoints_offset;
  u64 edge_threads_offset;  // the dirty bits follow at the next cache line, then the inbox bits
  u64 times_offset;         // edge_thread_count times time_slices TimeSlice
  u64 queue_offset;         // lane_count times queue_capacity atomic u64 entries
  u64 slots_offset;  // slot i: Slot at slots_offset + i * slot_stride, its request area, then its
                     // response ring
  u64 slot_stride;
  u64 request_offset;   // within a slot
  u64 response_offset;  // within a slot
  Lane lanes[lane_count];
  // Set once by the edge: take nothing more, finish what is begun, exit.
  alignas(128) std::atomic<u32> closing;
};
static_assert(sizeof(Header) == 4096);

// What goes over the control socket (SOCK_SEQPACKET) between one worker and the edge.
enum class MessageKind : u32 {
  want_body = 1,  // worker to edge: send me the body file of this slot and generation
  body = 2,  // edge to worker, with one descriptor, positioned anywhere (read it with pread); none:
             // no longer wanted
  file = 3,  // worker to edge, with one descriptor: the file that a FileSpan with this number will
             // name
};

struct Message {
  u32 kind;  // MessageKind
  u32 slot;
  u32 generation;
  u32 endpoint;
  u64 number;
};
static_assert(sizeof(Message) == 24);

}  // namespace labcoat::channel
