// One app's channel as the whole edge has it: the queue, into which all edge threads push, and the
// doorbells of the workers.
#pragma once

#include <array>
#include <memory>
#include <mutex>
#include <vector>

#include "channel/channel.h"

namespace labcoat::channel {

// One app's channel. Thread-safe.
class EdgeChannel {
 public:
  // One eventfd per edge thread; rung by workers.
  static Result<std::unique_ptr<EdgeChannel>> open(Fd memfd, std::vector<Fd> edge_doorbells);

  const Mapping& mapping() const { return *mapping_; }
  int doorbell(u32 edge_thread) const { return edge_doorbells_[edge_thread].get(); }

  // Workers come and go by the supervisor's word; ids out of range are refused.
  bool add_endpoint(u32 endpoint, Fd doorbell);
  // The doorbell is closed. The edge threads must each call EdgePort::bury for it.
  void remove_endpoint(u32 endpoint);
  u32 endpoint_count() const { return endpoint_count_.load(std::memory_order_relaxed); }

  // No worker takes anything more; all are woken so that they see it.
  void close();

  // Entries pushed and not yet passed by the head: an upper bound of the requests that wait.
  u64 queue_depth() const;

  // For EdgePort.
  void push(Priority lane, u64 entry);
  // Wakes up to `count` sleeping workers, lowest id first: warm caches stay warm, surplus workers
  // stay asleep.
  void ring_workers(u32 count);
  // Wakes that of the sleeping workers which has the fewest WebSockets: they stay where they begin.
  void ring_worker_for_socket();
  void ring_endpoint(u32 endpoint);
  // The same, only if it listens for its inbox bits.
  void ring_listener(u32 endpoint);

 private:
  EdgeChannel(std::unique_ptr<Mapping> mapping, std::vector<Fd> edge_doorbells);
  void drop_spent_entries(Priority lane);
  void forget_endpoint(u32 endpoint);

  const std::unique_ptr<Mapping> mapping_;
  const std::vector<Fd> edge_doorbells_;
  std::mutex push_mutex_;
  u64 tails_[lane_count] = {};  // ours; the words in the channel are only copies
  std::mutex endpoints_mutex_;
  std::array<Fd, endpoints_max> doorbells_;
  std::vector<u32> alive_;  // sorted
  std::atomic<u32> endpoint_count_ = 0;
};

}  // namespace labcoat::channel
