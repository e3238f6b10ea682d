// Http2Memory: a pool of blocks as nghttp2 wants its memory: stream, frame and fields of every
// request are the library's to allocate, all alike.
#pragma once

#include <cstdint>
#include <cstring>
#include <nghttp2/nghttp2.h>

#include "base/block_pool.h"

namespace labcoat::edge {

struct Http2Memory {
  static BlockPool& pool(void* data) { return *static_cast<BlockPool*>(data); }
  static void* take(size_t bytes, void* data) { return pool(data).take(bytes); }
  static void give_back(void* block, void* data) { pool(data).give_back(block); }
  static void* take_zeros(size_t count, size_t bytes, void* data) {
    if (bytes != 0 && count > SIZE_MAX / bytes) return nullptr;
    void* const block = pool(data).take(count * bytes);
    return block == nullptr ? nullptr : std::memset(block, 0, count * bytes);
  }
  static void* resize(void* block, size_t bytes, void* data) {
    return pool(data).resize(block, bytes);
  }
  static nghttp2_mem of(BlockPool& blocks) {
    return {&blocks, take, give_back, take_zeros, resize};
  }
};

}  // namespace labcoat::edge
