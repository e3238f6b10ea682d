#include "channel/channel.h"

#include <bit>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

namespace labcoat::channel {
namespace {

constexpr u64 page = 4096;

constexpr u64 rounded_up(u64 value, u64 step) {
  return (value + step - 1) / step * step;
}

u64 bits_bytes(const Header& header) {
  return rounded_up(header.slot_count / 8, cache_line);
}

// Where everything lies, from the four numbers that decide it. One function for maker and reader: a
// header that does not agree with it is not ours.
void lay_out(Header& header) {
  u64 at = sizeof(Header);
  header.endpoints_offset = at;
  at += header.endpoint_count * sizeof(Endpoint);
  header.edge_threads_offset = at;
  at += header.edge_thread_count * sizeof(EdgeThread);
  at = rounded_up(at, cache_line) + 2 * bits_bytes(header);  // dirty bits, inbox bits
  header.times_offset = rounded_up(at, cache_line);
  at = header.times_offset + header.edge_thread_count * time_slices * sizeof(TimeSlice);
  header.queue_offset = rounded_up(at, page);
  at = header.queue_offset + lane_count * u64{header.queue_capacity} * sizeof(u64);
  header.slots_offset = rounded_up(at, page);
  header.request_offset = sizeof(Slot);
  // The ring starts a page of its own, so a slot that carries small messages touches two pages.
  header.response_offset = rounded_up(sizeof(Slot) + header.request_bytes, page);
  header.slot_stride = header.response_offset + rounded_up(header.response_bytes, page);
  header.file_bytes = header.slots_offset + header.slot_count * header.slot_stride;
}

u64 dirty_offset(const Header& header) {
  return rounded_up(header.edge_threads_offset + header.edge_thread_count * sizeof(EdgeThread),
                    cache_line);
}

bool sensible(const Header& header) {
  return header.magic == magic && header.version == version && header.slot_count > 0 &&
         header.slot_count <= slots_max && header.edge_thread_count > 0 &&
         header.edge_thread_count <= edge_threads_max &&
         header.slot_count % (64 * header.edge_thread_count) == 0 && header.endpoint_count > 0 &&
         header.endpoint_count <= endpoints_max && std::has_single_bit(header.queue_capacity) &&
         header.queue_capacity >= 4 * header.slot_count &&
         std::has_single_bit(header.response_bytes) && header.request_bytes >= 1024 &&
         header.inbox_bytes == std::bit_floor(header.request_bytes);
}

}  // namespace

Result<Fd> create_channel(Geometry geometry) {
  CHECK(geometry.edge_threads > 0 && geometry.edge_threads <= edge_threads_max);
  Header header{};
  header.magic = magic;
  header.version = version;
  header.edge_thread_count = geometry.edge_threads;
  header.slot_count = static_cast<u32>(rounded_up(geometry.slots, u64{64} * geometry.edge_threads));
  header.endpoint_count = geometry.endpoints;
  header.queue_capacity = std::bit_ceil(4 * header.slot_count);
  header.request_bytes = geometry.request_bytes;
  header.response_bytes = geometry.response_bytes;
  header.inbox_bytes = std::bit_floor(geometry.request_bytes);
  lay_out(header);
  CHECK(sensible(header));

  Fd file(memfd_create("labcoat-channel", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!file) return fail_errno("cannot create the shared memory of the channel");
  if (ftruncate(file.get(), static_cast<off_t>(header.file_bytes)) != 0) {
    return fail_errno("cannot size the shared memory of the channel");
  }
  // The offsets come first in Header, the live words behind them are zero in a new file anyway.
  if (pwrite(file.get(), &header, offsetof(Header, lanes), 0) !=
      static_cast<ssize_t>(offsetof(Header, lanes))) {
    return fail_errno("cannot write the header of the channel");
  }
  // A worker that could shrink the file could stop the edge with SIGBUS.
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    return fail_errno("cannot seal the shared memory of the channel");
  }
  return file;
}

Mapping::Mapping(char* base, size_t bytes) : base_(base), bytes_(bytes) {
  const Header& h = header();
  shape_ = {.slots = h.slot_count,
            .endpoints = h.endpoint_count,
            .edge_threads = h.edge_thread_count,
            .queue_mask = h.queue_capacity - 1,
            .request_bytes = h.request_bytes,
            .response_bytes = h.response_bytes,
            .inbox_bytes = h.inbox_bytes,
            .slots_per_thread = h.slot_count / h.edge_thread_count,
            .slot_stride = h.slot_stride,
            .request_offset = h.request_offset,
            .response_offset = h.response_offset};
  endpoints_ = reinterpret_cast<Endpoint*>(base_ + h.endpoints_offset);
  edge_threads_ = reinterpret_cast<EdgeThread*>(base_ + h.edge_threads_offset);
  dirty_ = reinterpret_cast<std::atomic<u64>*>(base_ + dirty_offset(h));
  inbox_bits_ = reinterpret_cast<std::atomic<u64>*>(base_ + dirty_offset(h) + bits_bytes(h));
  times_ = reinterpret_cast<TimeSlice*>(base_ + h.times_offset);
  queue_ = reinterpret_cast<std::atomic<u64>*>(base_ + h.queue_offset);
  slots_ = base_ + h.slots_offset;
}

Mapping::~Mapping() {
  munmap(base_, bytes_);
}

Result<std::unique_ptr<Mapping>> Mapping::open(int memfd, Access access) {
  struct stat info;
  if (fstat(memfd, &info) != 0) return fail_errno("cannot look at the channel's file");
  Header header{};
  if (pread(memfd, &header, offsetof(Header, lanes), 0) !=
          static_cast<ssize_t>(offsetof(Header, lanes)) ||
      !sensible(header)) {
    return fail(
        "the channel's file has no header of this version: are edge and extension of one build?");
  }
  Header expected = {};
  expected.endpoint_count = header.endpoint_count;
  expected.edge_thread_count = header.edge_thread_count;
  expected.slot_count = header.slot_count;
  expected.queue_capacity = header.queue_capacity;
  expected.request_bytes = header.request_bytes;
  expected.response_bytes = header.response_bytes;
  lay_out(expected);
  if (expected.file_bytes != header.file_bytes || expected.slot_stride != header.slot_stride ||
      expected.times_offset != header.times_offset ||
      expected.slots_offset != header.slots_offset ||
      static_cast<u64>(info.st_size) != header.file_bytes) {
    return fail("the channel's file has another size than its header says");
  }
  const int protection = access == Access::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
  void* base = mmap(nullptr, header.file_bytes, protection, MAP_SHARED, memfd, 0);
  if (base == MAP_FAILED) return fail_errno("cannot map the channel");
  return std::unique_ptr<Mapping>(new Mapping(static_cast<char*>(base), header.file_bytes));
}

void ring_doorbell(int eventfd) {
  const u64 one = 1;
  [[maybe_unused]] const ssize_t wrote = ::write(eventfd, &one, sizeof one);
}

}  // namespace labcoat::channel
