// Making a channel and looking into it: what both sides share. See layout.h for the bytes.
#pragma once

#include <memory>

#include "base/fd.h"
#include "base/result.h"
#include "channel/layout.h"

namespace labcoat::channel {

struct Geometry {
  u32 slots =
      1024;  // requests inside at once, over all edge threads; rounded up to 64 per edge thread
  u32 endpoints = endpoints_max;
  u32 edge_threads = 1;
  u32 request_bytes = 64 * 1024;   // of a slot: request head and a small body
  u32 response_bytes = 64 * 1024;  // of a slot: the response ring; a power of two
};

// A new channel: a memfd that can no longer change its size or be resealed. Pages are only used
// once they are touched.
Result<Fd> create_channel(Geometry geometry);

// A channel mapped into this process; unmapped when it goes. The header's constants are read once,
// into `shape`: they are writable by workers, so nobody may read them twice.
class Mapping {
 public:
  struct Shape {
    u32 slots, endpoints, edge_threads, queue_mask, request_bytes, response_bytes, inbox_bytes;
    u32 slots_per_thread;
    u64 slot_stride, request_offset, response_offset;
  };

  // read_only is for those who only look: a store through such a mapping ends the process.
  enum class Access { read_write, read_only };
  // The descriptor may be closed afterwards. Fails when the file is not a channel of this version.
  static Result<std::unique_ptr<Mapping>> open(int memfd, Access access = Access::read_write);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  const Shape& shape() const { return shape_; }
  Header& header() const { return *reinterpret_cast<Header*>(base_); }
  Endpoint& endpoint(u32 id) const { return endpoints_[id]; }
  EdgeThread& edge_thread(u32 index) const { return edge_threads_[index]; }
  // One bit per slot of this edge thread, 64 a word.
  std::atomic<u64>* dirty(u32 thread) const {
    return dirty_ + size_t{thread} * (shape_.slots_per_thread / 64);
  }
  // One bit per slot of the channel, 64 a word.
  std::atomic<u64>* inbox_bits() const { return inbox_bits_; }
  // time_slices of them, of this edge thread.
  TimeSlice* times(u32 thread) const { return times_ + size_t{thread} * time_slices; }
  Lane& lane(Priority priority) const { return header().lanes[static_cast<u32>(priority)]; }
  std::atomic<u64>& queue_entry(Priority lane, u64 position) const {
    const u64 first = static_cast<u64>(lane) * (u64{shape_.queue_mask} + 1);
    return queue_[first + (position & shape_.queue_mask)];
  }
  Slot& slot(u32 index) const {
    return *reinterpret_cast<Slot*>(slots_ + u64{index} * shape_.slot_stride);
  }
  char* request_area(u32 index) const {
    return slots_ + u64{index} * shape_.slot_stride + shape_.request_offset;
  }
  // The request area once more.
  char* inbox(u32 index) const { return request_area(index); }
  char* response_ring(u32 index) const {
    return slots_ + u64{index} * shape_.slot_stride + shape_.response_offset;
  }
  u32 thread_of(u32 slot) const { return slot / shape_.slots_per_thread; }

 private:
  Mapping(char* base, size_t bytes);

  char* base_;
  size_t bytes_;
  Shape shape_;
  Endpoint* endpoints_;
  EdgeThread* edge_threads_;
  std::atomic<u64>* dirty_;
  std::atomic<u64>* inbox_bits_;
  TimeSlice* times_;
  std::atomic<u64>* queue_;
  char* slots_;
};

// Writes 1 to an eventfd; a full or closed one is not an error: the sleeper is awake or gone.
void ring_doorbell(int eventfd);

}  // namespace labcoat::channel
