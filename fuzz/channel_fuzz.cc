// A hostile worker: it may write anything anywhere into the channel at any time. Whatever it does,
// the edge's calls return, what they hand out lies inside the ring, no more comes out than went in,
// and once its worker is dead every slot is free.
#include <algorithm>
#include <cstring>
#include <string_view>
#include <sys/eventfd.h>

#include "base/check.h"
#include "channel/edge_port.h"

using namespace labcoat;
using namespace labcoat::channel;

namespace {

constexpr u32 ring_bytes = 1024;
constexpr u32 endpoint = 5;
constexpr u32 socket = 2;  // the slot

// Hands out the fuzzer's bytes.
class Script {
 public:
  Script(const uint8_t* data, size_t size) : at_(data), left_(size) {}
  bool empty() const { return left_ == 0; }
  u64 number(size_t bytes) {
    u64 value = 0;
    copy(&value, bytes);
    return value;
  }
  void copy(void* out, size_t bytes) {
    const size_t count = std::min(bytes, left_);
    std::memcpy(out, at_, count);
    at_ += count;
    left_ -= count;
  }

 private:
  const uint8_t* at_;
  size_t left_;
};

struct Edge {
  std::unique_ptr<EdgeChannel> channel;
  std::unique_ptr<EdgePort> port;
  bool accepted = false;

  void read(u32 slot) {
    EdgePort::Frame frame;
    const char* ring = channel->mapping().response_ring(slot);
    for (int i = 0; i < 1000; ++i) {
      port->next(slot, frame);
      switch (frame.kind) {
        case EdgePort::Output::nothing_yet:
          return;
        case EdgePort::Output::head:
          CHECK(frame.head.status >= 200 && frame.head.fields.size() <= ring_bytes);
          break;
        case EdgePort::Output::hints:
        case EdgePort::Output::trailers:
          CHECK(frame.head.status < 200 && frame.head.fields.size() <= ring_bytes);
          break;
        case EdgePort::Output::accept:
          CHECK(frame.head.status == 101 && frame.head.fields.size() <= ring_bytes);
          if (slot == socket) accepted = true;
          break;
        case EdgePort::Output::close:
          CHECK(frame.close.reason.size() <= close_reason_bytes_max);
          break;
        case EdgePort::Output::message:
        case EdgePort::Output::data: {
          const size_t bytes = frame.data.size() + frame.more.size();
          CHECK(bytes <= ring_bytes && frame.data.data() >= ring);
          CHECK(frame.data.data() + frame.data.size() <= ring + ring_bytes);
          CHECK(frame.more.empty() || frame.more.data() == ring);
          if (bytes > 0) port->consumed(slot, bytes);
          break;
        }
        case EdgePort::Output::file:
          CHECK(frame.file.offset >= 0 && frame.file.bytes >= 0);
          break;
        case EdgePort::Output::end:
        case EdgePort::Output::broken:
        case EdgePort::Output::corrupt:
          port->done(slot);
          return;
      }
    }
  }
};

void let_worker_scribble(Script& script, const Mapping& worker, u32 slot) {
  Slot& control = worker.slot(slot);
  switch (script.number(1) % 9) {
    case 0: {  // bytes into the ring, and as many published
      char* ring = worker.response_ring(slot);
      const size_t bytes = std::min<size_t>(script.number(1), ring_bytes);
      script.copy(ring, bytes);
      control.written.store((bytes + 7) & ~u64{7});
      break;
    }
    case 1:
      control.written.store(script.number(8));
      break;
    case 2:
      control.written.fetch_add(8 * script.number(1));
      break;
    case 3:
      control.claim.store(script.number(8));
      break;
    case 4:
      worker.lane(Priority::normal).head.store(script.number(script.number(1) % 9));
      break;
    case 5:
      control.consumed.store(script.number(8));
      break;
    case 6:
      control.waiting_for_room.store(static_cast<u32>(script.number(1)));
      break;
    case 8:
      control.inbox_consumed.store(script.number(script.number(1) % 9));
      control.waiting_for_message.store(static_cast<u32>(script.number(1)));
      control.waiting_for_inbox.store(static_cast<u32>(script.number(1)));
      break;
    case 7:
      worker.queue_entry(Priority::normal, script.number(2)).store(script.number(8));
      break;
  }
  worker.dirty(0)[0].fetch_or(script.number(1) | (u64{1} << (slot % 64)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Script script(data, size);
  Fd memfd = std::move(*create_channel({.slots = 64,
                                        .endpoints = 8,
                                        .edge_threads = 1,
                                        .request_bytes = 1024,
                                        .response_bytes = ring_bytes}));
  const auto worker = std::move(*Mapping::open(memfd.get()));
  Edge edge;
  std::vector<Fd> bells;
  bells.emplace_back(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  edge.channel = std::move(*EdgeChannel::open(std::move(memfd), std::move(bells)));
  edge.port = std::make_unique<EdgePort>(*edge.channel, 0);
  edge.channel->add_endpoint(endpoint, Fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)));
  int owner = 0;
  for (int i = 0; i < 4; ++i) {
    // One of those that are taken asks for a WebSocket.
    using Use = EdgePort::Use;
    const auto slot = edge.port->acquire(&owner, i == socket ? Use::socket : Use::request);
    RequestWriter writer = edge.port->write(*slot);
    CHECK(writer.text({.method = "GET",
                       .target = "/",
                       .path = "/",
                       .query = "",
                       .server_name = "",
                       .remote_address = ""}));
    writer.begin_body();
    edge.port->enqueue(*slot);
    // Half of them are taken, as an honest worker would.
    if (i % 2 == 0)
      worker->slot(*slot).claim.store(
          make_claim(edge.port->generation(*slot), endpoint, SlotState::taken));
  }
  while (!script.empty()) {
    const u32 slot = static_cast<u32>(script.number(1) % 4);
    let_worker_scribble(script, *worker, slot);
    edge.port->for_each_dirty([&](u32 dirty) { edge.read(dirty); });
    if (edge.accepted && edge.port->owner(socket) != nullptr) {
      const size_t room = edge.port->inbox_room(socket);
      CHECK(room < ring_bytes);
      if (room > 0) {
        edge.port->put_message(socket, FrameType::text, {"message", 7});
      } else if (edge.port->is_corrupt(socket)) {
        edge.port->done(socket);
      }
    }
    edge.port->ring();
  }
  // The worker is killed. What it still claims is buried; what it has scribbled over can still be
  // given up.
  edge.channel->remove_endpoint(endpoint);
  edge.port->bury(endpoint, [&](u32 slot) { edge.port->free_dead(slot); });
  CHECK(edge.port->in_use() <= 4);
  return 0;
}
