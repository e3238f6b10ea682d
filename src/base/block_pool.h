// BlockPool: memory for objects that come and go by the thousand (a stream, a frame, a field): a
// block that is given back is kept for the next of its size, so that neither costs a search. A
// bound on what is kept gives a burst's memory back. One thread's.
#pragma once

#include <array>
#include <cstddef>

#include "base/check.h"

namespace labcoat {

class BlockPool {
 public:
  // Free blocks of all sizes together keep at most so many bytes.
  explicit BlockPool(size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}
  // Every block has been given back.
  ~BlockPool();
  BlockPool(const BlockPool&) = delete;
  BlockPool& operator=(const BlockPool&) = delete;

  // Aligned for everything, not initialised. nullptr: there is no memory.
  void* take(size_t bytes);
  // nullptr is allowed.
  void give_back(void* block);
  // As of realloc: the old block stays when there is no memory.
  void* resize(void* block, size_t bytes);

  size_t kept_bytes() const { return kept_bytes_; }

 private:
  // In front of every block. The kind of a free one is known by its list.
  struct alignas(std::max_align_t) Header {
    Header* next_free;
    size_t kind;
  };
  static constexpr size_t step_bytes = 64;
  static constexpr size_t kinds = 32;  // up to 2 KiB; what is larger is malloc's business

  static size_t room_of(size_t kind) { return (kind + 1) * step_bytes; }

  const size_t kept_bytes_max_;
  size_t kept_bytes_ = 0;
  std::array<Header*, kinds> free_{};
};

// The pool for a container; outlives it.
template <class T>
class PoolAllocator {
 public:
  using value_type = T;

  explicit PoolAllocator(BlockPool& pool) : pool_(&pool) {}
  template <class U>
  PoolAllocator(const PoolAllocator<U>& other) : pool_(other.pool()) {}

  T* allocate(size_t count) {
    void* const block = pool_->take(count * sizeof(T));
    CHECK(block != nullptr);
    return static_cast<T*>(block);
  }
  void deallocate(T* block, size_t) { pool_->give_back(block); }
  BlockPool* pool() const { return pool_; }
  template <class U>
  bool operator==(const PoolAllocator<U>& other) const {
    return pool_ == other.pool();
  }

 private:
  BlockPool* pool_;
};

}  // namespace labcoat
