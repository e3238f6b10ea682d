// WorkerPort: the channel as one worker thread sees it. It takes requests from the app's queue and
// publishes responses as frames. One per endpoint; not thread-safe. Methods that may block say so:
// call them without the GIL.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "channel/channel.h"

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

class WorkerPort {
 public:
  struct Settings {
    u32 endpoint = 0;
    int doorbell = -1;  // eventfd, non-blocking, borrowed
    int control =
        -1;  // our end of the edge's control socket, borrowed: its closing means the edge is gone
    std::vector<int> edge_doorbells;  // one per edge thread, borrowed
    i64 spin_ns = 0;                  // look at the queue for so long before sleeping
  };

  // The mapping outlives the port.
  WorkerPort(const Mapping& mapping, Settings settings);

  // Takes the oldest waiting request. False: none waits, or the channel closes. Never blocks.
  bool take();
  // Whether take() would find something to look at.
  bool has_work() const;
  // Rings what was put off, looks for work for spin_ns, then sleeps until rung, until the edge is
  // gone or a signal comes. Blocks.
  void wait();
  // The edge has closed its end of the control socket: it is dead, or takes this worker for dead.
  // Nothing may be taken any more. Known after wait() and wait_for_room(); a worker that never has
  // to wait learns it from finish(), some time later.
  bool edge_gone() const { return edge_gone_; }
  // As wait() without the sleep: rings the bells that were put off. For event loops that poll the
  // doorbell themselves.
  void ring_put_off();
  bool closing() const { return mapping_.header().closing.load(std::memory_order_relaxed) != 0; }

  // The request that was taken; valid until finish().
  const RequestInfo& request() const { return *request_; }
  std::string_view method() const { return method_; }
  std::string_view target() const { return target_; }
  std::string_view path() const { return path_; }
  std::string_view query() const { return query_; }
  std::string_view server_name() const { return server_name_; }
  std::string_view remote_address() const { return remote_address_; }
  FieldReader fields() const { return {fields_, request_->field_count}; }
  // Empty when the body is in a file (request_body_in_file): see WorkerControl::fetch_body.
  std::string_view inline_body() const { return body_; }
  u32 slot() const { return slot_; }
  u32 generation() const { return generation_; }

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
  // May block until there is room; false: the client is gone.
  bool write_file(const FileSpan& file);
  // Publishes what was written and rings the edge at once.
  void flush();
  // Blocks until at least `bytes` are free. False: the client (or the edge) is gone.
  bool wait_for_room(size_t bytes);
  // Ends the response; `broken` after a failure that the client must notice. The request is gone
  // afterwards.
  enum class Ending { complete, broken };
  void finish(Ending ending);
  // The client is gone: the response interests nobody any more.
  bool cancelled() const { return slot_control_->cancelled.load(std::memory_order_relaxed) != 0; }

  // Whether nothing of this response was published yet.
  bool nothing_published() const { return published_ == 0; }

 private:
  static constexpr size_t frame_overhead = sizeof(FrameHeader) + 8;

  void open_request(u32 slot, u32 generation);
  size_t room() const;
  void put(const void* bytes, size_t count);
  void put_frame_header(FrameType type, size_t bytes);
  void pad();
  void publish();
  void tell_edge(bool may_put_off);
  void sleep_until_rung();
  void look_for_edge(i64 now);

  const Mapping& mapping_;
  const Settings settings_;
  Endpoint& endpoint_;

  u32 slot_ = 0;
  u32 generation_ = 0;
  Slot* slot_control_ = nullptr;
  const RequestInfo* request_ = nullptr;
  std::string_view method_, target_, path_, query_, server_name_, remote_address_, body_;
  const char* fields_ = nullptr;

  char* ring_ = nullptr;
  u64 written_ = 0;  // including what is not published yet
  u64 published_ = 0;

  u64 put_off_ = 0;  // edge threads whose bell was put off, one bit each
  i64 put_off_since_ = 0;
  i64 taken_ns_ = 0;
  i64 last_service_ns_ = 0;
  i64 edge_looked_for_ns_ = 0;
  bool edge_gone_ = false;
};

}  // namespace labcoat::channel
