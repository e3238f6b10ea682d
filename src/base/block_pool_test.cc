#include "base/block_pool.h"

#include <cstdint>
#include <cstring>
#include <gtest/gtest.h>
#include <list>
#include <string>
#include <vector>

namespace labcoat {
namespace {

constexpr size_t plenty = 1 << 20;

TEST(BlockPool, blocks_are_aligned_and_do_not_overlap) {
  BlockPool pool(plenty);
  std::vector<std::pair<char*, size_t>> blocks;
  for (int round = 0; round < 2; ++round) {
    for (const size_t bytes : {0, 1, 63, 64, 65, 640, 2048, 2049, 100'000}) {
      auto* const block = static_cast<char*>(pool.take(bytes));
      ASSERT_NE(block, nullptr);
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block) % alignof(std::max_align_t), 0u);
      std::memset(block, static_cast<int>(blocks.size()), bytes);
      blocks.emplace_back(block, bytes);
    }
  }
  for (size_t i = 0; i < blocks.size(); ++i) {
    const auto [block, bytes] = blocks[i];
    EXPECT_EQ(std::string(block, bytes), std::string(bytes, static_cast<char>(i)));
    pool.give_back(block);
  }
}

TEST(BlockPool, what_grows_or_shrinks_keeps_its_bytes) {
  BlockPool pool(plenty);
  void* block = pool.resize(nullptr, 10);
  std::memcpy(block, "0123456789", 10);
  for (const size_t bytes : {64, 65, 2048, 2049, 70'000, 3000, 500, 10}) {
    block = pool.resize(block, bytes);
    EXPECT_EQ(std::memcmp(block, "0123456789", 10), 0) << bytes;
  }
  pool.give_back(block);
}

TEST(BlockPool, keeps_no_more_than_its_bound) {
  BlockPool pool(1000);
  std::vector<void*> blocks;
  for (int i = 0; i < 100; ++i) blocks.push_back(pool.take(100));
  for (void* const block : blocks) pool.give_back(block);
  EXPECT_LE(pool.kept_bytes(), 1000u);
  pool.give_back(nullptr);
}

TEST(BlockPool, what_cannot_be_is_refused_in_words_of_malloc) {
  BlockPool pool(plenty);
  EXPECT_EQ(pool.take(SIZE_MAX), nullptr);
}

TEST(BlockPool, serves_a_list) {
  BlockPool pool(plenty);
  std::list<int, PoolAllocator<int>> numbers{PoolAllocator<int>(pool)};
  for (int i = 0; i < 10; ++i) numbers.push_back(i);
  EXPECT_EQ(numbers.back(), 9);
}

}  // namespace
}  // namespace labcoat
