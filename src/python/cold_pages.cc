#include "python/cold_pages.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <pthread.h>
#include <span>
#include <string_view>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include "base/check.h"
#include "base/fd.h"

namespace labcoat::python {
namespace {

constexpr size_t page_bytes = 4096;
constexpr size_t chunk_pages_max = 16;
constexpr size_t chunk_bytes_max = chunk_pages_max * page_bytes;
constexpr size_t pages_min = 256;  // less is not worth the work
constexpr size_t ranges_max = 4096;
constexpr size_t maps_bytes_max = size_t{1} << 20;
constexpr size_t zlib_bytes = size_t{512} << 10;        // deflate takes 268 KiB, inflate 40
constexpr size_t variables_margin = size_t{256} << 10;  // libc's take 52 KiB, zlib's and ours less
constexpr size_t own_data_margin = size_t{64} << 10;

// Documentation/admin-guide/mm/pagemap.rst
constexpr uint64_t page_present = uint64_t{1} << 63;
constexpr uint64_t page_of_file = uint64_t{1} << 61;
constexpr uint64_t page_exclusive = uint64_t{1} << 56;

struct Range {
  uintptr_t begin = 0;
  uintptr_t end = 0;
};

char* memory_at(uintptr_t address) {
  // The kernel names memory by numbers.
  return reinterpret_cast<char*>(address);  // NOLINT(performance-no-int-to-ptr)
}

// A run of pages; its packed bytes follow, then the next chunk at a multiple of eight.
struct Chunk {
  uintptr_t address;
  uint32_t pages;  // 0: they could not be given back, and so need not be restored
  uint32_t packed_bytes;

  size_t bytes() const { return pages * page_bytes; }
  char* packed() { return reinterpret_cast<char*>(this + 1); }
  Chunk* next() {
    return reinterpret_cast<Chunk*>(packed() + ((size_t{packed_bytes} + 7) & ~size_t{7}));
  }
};

// zlib's memory: an area of its own, of which nothing is ever given back.
struct Pool {
  Area area;
  size_t used = 0;
};

void* pool_take(void* pool, unsigned count, unsigned bytes) {
  auto& [area, used] = *static_cast<Pool*>(pool);
  const size_t wanted = (size_t{count} * bytes + 15) & ~size_t{15};
  if (area.bytes - used < wanted) return nullptr;
  used += wanted;
  return area.at + used - wanted;
}

void pool_give(void*, void*) {}

z_stream stream_in(Pool& pool) {
  z_stream stream{};
  stream.zalloc = pool_take;
  stream.zfree = pool_give;
  stream.opaque = &pool;
  return stream;
}

void point(z_stream& stream, const char* from, size_t from_bytes, char* to, size_t to_bytes) {
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(from));
  stream.avail_in = static_cast<uInt>(from_bytes);
  stream.next_out = reinterpret_cast<Bytef*>(to);
  stream.avail_out = static_cast<uInt>(to_bytes);
}

bool unpack_chunk(z_stream& inflater, Chunk& chunk, char* to) {
  point(inflater, chunk.packed(), chunk.packed_bytes, to, chunk.bytes());
  return inflateReset(&inflater) == Z_OK && inflate(&inflater, Z_FINISH) == Z_STREAM_END &&
         inflater.avail_out == 0;
}

size_t read_whole(const char* path, Area& area) {
  const Fd file(open(path, O_RDONLY | O_CLOEXEC));
  size_t used = 0;
  while (file && used < area.bytes) {
    const ssize_t got = read(file.get(), area.at + used, area.bytes - used);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0 ? used : 0;
    used += static_cast<size_t>(got);
  }
  return 0;  // cannot be read, or is longer than anything sensible
}

// One line of /proc/self/maps: "begin-end perms offset device inode      name".
struct Mapping {
  Range range;
  bool candidate = false;   // writable, private, anonymous
  bool of_program = false;  // privately of a file: the program or a library
};

Mapping parse_mapping(const char* line, std::string_view text) {
  Mapping mapping;
  char* rest = nullptr;
  mapping.range.begin = std::strtoull(line, &rest, 16);
  mapping.range.end = std::strtoull(rest + 1, &rest, 16);
  const std::string_view permissions(rest + 1, 4);
  const size_t name_at = text.find_first_of("/[");
  const std::string_view name = name_at == text.npos ? "" : text.substr(name_at);
  mapping.of_program = name.starts_with('/') && permissions.ends_with('p');
  mapping.candidate = permissions == "rw-p" && (name.empty() || name == "[heap]");
  return mapping;
}

// Where pages may be packed. What follows a library without a gap begins with its variables, which
// the code that waits may use; the kernel joins memory of any other use to them.
std::span<Range> candidates(const Area& text, size_t text_bytes, Range* out) {
  size_t count = 0;
  uintptr_t program_end = 0;
  for (size_t at = 0; at < text_bytes && count < ranges_max;) {
    const char* const line = text.at + at;
    const void* const end = std::memchr(line, '\n', text_bytes - at);
    if (!end) break;
    const auto length = static_cast<size_t>(static_cast<const char*>(end) - line);
    const Mapping mapping = parse_mapping(line, {line, length});
    Range range = mapping.range;
    if (range.begin == program_end) range.begin += variables_margin;
    if (mapping.of_program) program_end = range.end;
    if (mapping.candidate && range.begin < range.end) out[count++] = range;
    at += length + 1;
  }
  return {out, count};
}

bool is_own_data(uintptr_t address) {
  const auto near = [address](uintptr_t place) {
    return address + own_data_margin >= place && address <= place + own_data_margin;
  };
  return near(reinterpret_cast<uintptr_t>(&errno)) || near(static_cast<uintptr_t>(pthread_self()));
}

// Calls use(address, pages) for each run of pages that only this process maps.
template <class Use>
bool for_runs(int pagemap, Range range, Use use) {
  std::array<uint64_t, 512> entries;
  uintptr_t run = 0;
  size_t pages = 0;
  const auto flush = [&] {
    const bool good = pages == 0 || use(run, pages);
    pages = 0;
    return good;
  };
  for (uintptr_t at = range.begin; at < range.end;) {
    const size_t wanted = std::min(entries.size(), (range.end - at) / page_bytes);
    const ssize_t got = pread(pagemap, entries.data(), wanted * sizeof(uint64_t),
                              static_cast<off_t>(at / page_bytes * sizeof(uint64_t)));
    if (got != static_cast<ssize_t>(wanted * sizeof(uint64_t))) return false;
    for (size_t i = 0; i < wanted; ++i, at += page_bytes) {
      constexpr uint64_t mask = page_present | page_of_file | page_exclusive;
      const bool cold = (entries[i] & mask) == (page_present | page_exclusive) && !is_own_data(at);
      if (!cold || pages == chunk_pages_max) {
        if (!flush()) return false;
      }
      if (!cold) continue;
      if (pages++ == 0) run = at;
    }
  }
  return flush();
}

}  // namespace

Area Area::map(size_t bytes) {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return {};
  return {.at = static_cast<char*>(at), .bytes = bytes};
}

void Area::unmap() {
  if (at) munmap(at, bytes);
  *this = {};
}

void Area::shrink(size_t used) {
  const size_t kept = (used + page_bytes - 1) / page_bytes * page_bytes;
  if (kept < bytes) munmap(at + kept, bytes - kept);
  bytes = std::min(bytes, kept);
}

// One call of pack() in the making.
struct ColdPages::Batch {
  Area out;
  Pool pool{.area = Area::map(zlib_bytes)};
  Area scratch = Area::map(chunk_bytes_max);
  Area ranges = Area::map(sizeof(Range) * ranges_max);
  Area maps = Area::map(maps_bytes_max);
  z_stream deflater = stream_in(pool);
  z_stream inflater = stream_in(pool);
  size_t used = 0;
  size_t pages = 0;

  ~Batch() {
    pool.area.unmap();
    scratch.unmap();
    ranges.unmap();
    maps.unmap();
    out.unmap();
  }

  bool open() {
    return pool.area.at && scratch.at && ranges.at && maps.at &&
           deflateInit2(&deflater, Z_BEST_SPEED, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK &&
           inflateInit2(&inflater, -15) == Z_OK;
  }

  bool add(uintptr_t address, size_t count);
  bool fill();
  size_t give_back();
  Chunk* end() const { return reinterpret_cast<Chunk*>(out.at + used); }
};

// Unpacked again at once and compared, since there is no second copy.
bool ColdPages::Batch::add(uintptr_t address, size_t count) {
  if (out.bytes - used < sizeof(Chunk) + chunk_bytes_max + page_bytes) return false;
  Chunk* const chunk = end();
  chunk->address = address;
  chunk->pages = static_cast<uint32_t>(count);
  const char* const from = memory_at(address);
  const size_t room = chunk_bytes_max + page_bytes / 2;  // deflate adds little to the worst case
  point(deflater, from, chunk->bytes(), chunk->packed(), room);
  if (deflateReset(&deflater) != Z_OK || deflate(&deflater, Z_FINISH) != Z_STREAM_END) return false;
  chunk->packed_bytes = static_cast<uint32_t>(room - deflater.avail_out);
  if (!unpack_chunk(inflater, *chunk, scratch.at)) return false;
  if (std::memcmp(from, scratch.at, chunk->bytes()) != 0) return false;
  pages += count;
  used = static_cast<size_t>(reinterpret_cast<char*>(chunk->next()) - out.at);
  return true;
}

bool ColdPages::Batch::fill() {
  const size_t bytes = read_whole("/proc/self/maps", maps);
  if (bytes == 0) return false;
  const std::span<Range> found = candidates(maps, bytes, reinterpret_cast<Range*>(ranges.at));
  size_t most = size_t{1} << 20;
  for (const Range& range : found) most += (range.end - range.begin) / 8 * 9;
  out = Area::map(most);
  const Fd pagemap(::open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!out.at || !pagemap) return false;
  for (const Range& range : found) {
    const auto use = [this](uintptr_t address, size_t count) { return add(address, count); };
    if (!for_runs(pagemap.get(), range, use)) return false;
  }
  return true;
}

size_t ColdPages::Batch::give_back() {
  size_t given = 0;
  for (auto* chunk = reinterpret_cast<Chunk*>(out.at); chunk < end(); chunk = chunk->next()) {
    // Locked memory cannot be given back.
    if (madvise(memory_at(chunk->address), chunk->bytes(), MADV_DONTNEED) != 0) {
      chunk->pages = 0;
    }
    given += chunk->pages;
  }
  return given;
}

size_t ColdPages::pack() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 0;  // their shadow is anonymous memory, and every instruction uses it
#endif
  if (count_ == batches_max || sysconf(_SC_PAGESIZE) != long{page_bytes}) return 0;
  Batch batch;
  if (!batch.open() || !batch.fill()) return 0;
  if (batch.pages < pages_min || batch.used > batch.pages * page_bytes / 4 * 3) return 0;
  const size_t given = batch.give_back();
  batch.out.shrink(batch.used);
  batches_[count_++] = batch.out;
  batch.out = {};
  return given;
}

void ColdPages::unpack() {
  if (count_ == 0) return;
  Pool pool{.area = Area::map(zlib_bytes)};
  z_stream inflater = stream_in(pool);
  CHECK(pool.area.at && inflateInit2(&inflater, -15) == Z_OK);
  while (count_ > 0) {
    Area& batch = batches_[--count_];
    for (auto* chunk = reinterpret_cast<Chunk*>(batch.at);
         reinterpret_cast<char*>(chunk) + sizeof(Chunk) <= batch.at + batch.bytes &&
         chunk->address != 0;
         chunk = chunk->next()) {
      CHECK(chunk->pages == 0 || unpack_chunk(inflater, *chunk, memory_at(chunk->address)));
    }
    batch.unmap();
  }
  pool.area.unmap();
}

}  // namespace labcoat::python
