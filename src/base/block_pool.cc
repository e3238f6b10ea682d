#include "base/block_pool.h"

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace labcoat {
namespace {

// AddressSanitizer must see every block come and go, or it cannot tell use after free.
#if defined(__SANITIZE_ADDRESS__)
constexpr bool keeps_blocks = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
constexpr bool keeps_blocks = false;
#else
constexpr bool keeps_blocks = true;
#endif
#else
constexpr bool keeps_blocks = true;
#endif

}  // namespace

BlockPool::~BlockPool() {
  for (Header* header : free_) {
    while (header != nullptr) std::free(std::exchange(header, header->next_free));
  }
}

void* BlockPool::take(size_t bytes) {
  const size_t kind = bytes == 0 ? 0 : (bytes - 1) / step_bytes;
  if (kind >= kinds) {
    if (bytes > SIZE_MAX - sizeof(Header)) return nullptr;
    auto* const header = static_cast<Header*>(std::malloc(sizeof(Header) + bytes));
    if (header == nullptr) return nullptr;
    header->kind = bytes + kinds;  // told apart from the kinds, and still its size
    return header + 1;
  }
  Header* header = free_[kind];
  if (header != nullptr) {
    free_[kind] = header->next_free;
    kept_bytes_ -= room_of(kind);
    return header + 1;
  }
  header = static_cast<Header*>(std::malloc(sizeof(Header) + room_of(kind)));
  if (header == nullptr) return nullptr;
  header->kind = kind;
  return header + 1;
}

void BlockPool::give_back(void* block) {
  if (block == nullptr) return;
  Header* const header = static_cast<Header*>(block) - 1;
  const size_t kind = header->kind;
  if (kind >= kinds || !keeps_blocks || kept_bytes_ + room_of(kind) > kept_bytes_max_) {
    std::free(header);
    return;
  }
  kept_bytes_ += room_of(kind);
  header->next_free = free_[kind];
  free_[kind] = header;
}

void* BlockPool::resize(void* block, size_t bytes) {
  if (block == nullptr) return take(bytes);
  const size_t kind = (static_cast<Header*>(block) - 1)->kind;
  const size_t room = kind < kinds ? room_of(kind) : kind - kinds;
  if (kind < kinds && bytes <= room) return block;
  void* const fresh = take(bytes);
  if (fresh == nullptr) return nullptr;
  std::memcpy(fresh, block, bytes < room ? bytes : room);
  give_back(block);
  return fresh;
}

}  // namespace labcoat
