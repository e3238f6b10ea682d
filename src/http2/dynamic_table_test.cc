#include "http2/dynamic_table.h"

#include <deque>
#include <gtest/gtest.h>
#include <random>
#include <string>

#include "http2/field_index.h"
#include "http2/hpack_test_words.h"

namespace labcoat::http2 {
namespace {

TEST(DynamicTable, HoldsNoMemoryBeforeItsFirstEntry) {
  DynamicTable table(4096);
  EXPECT_EQ(table.memory_bytes(), 0U);
  table.set_bytes_max(0);
  EXPECT_FALSE(table.insert("a", "b"));
  EXPECT_EQ(table.memory_bytes(), 0U);
  table.set_bytes_max(4096);
  EXPECT_TRUE(table.insert("a", "b"));
  EXPECT_LE(table.memory_bytes(), 2048U);
}

// RFC 7541 section 4.4.
TEST(DynamicTable, AnEntryLargerThanTheTableEmptiesIt) {
  DynamicTable table(100);
  EXPECT_TRUE(table.insert("name", "value"));
  EXPECT_FALSE(table.insert("name", std::string(65, 'x')));
  EXPECT_EQ(table.count(), 0U);
  EXPECT_EQ(table.bytes(), 0U);
  EXPECT_TRUE(table.insert("name", std::string(64, 'x')));
  EXPECT_EQ(table.bytes(), 100U);
}

// RFC 7541 section 4.4: the name of the new entry may be that of one that leaves for it.
TEST(DynamicTable, ANameMayComeFromAnEntryThatHasToLeave) {
  std::mt19937 random(7);
  DynamicTable table(400);
  table.insert("a-name-that-stays", "");
  for (int i = 0; i < 3000; ++i) {
    const std::string value(random() % 300, static_cast<char>('a' + i % 26));
    const u32 oldest = table.count() - 1;
    ASSERT_TRUE(table.insert(table.name(oldest), value));
    ASSERT_EQ(table.name(0), "a-name-that-stays");
    ASSERT_EQ(table.value(0), value);
  }
}

// Against the plainest table there is, under sizes that change; the index finds the newest of all.
TEST(DynamicTable, DoesWhatAListDoes) {
  constexpr u32 seed = 11;
  std::mt19937 random(seed);
  DynamicTable table(4096);
  FieldIndex index(table);
  std::deque<std::pair<std::string, std::string>> list;
  size_t bytes = 0, memory_max = 0;
  const auto evict_to = [&](size_t max) {
    for (; bytes > max; list.pop_back()) {
      bytes -= 32 + list.back().first.size() + list.back().second.size();
    }
  };
  for (int i = 0; i < 100'000; ++i) {
    if (random() % 500 == 0) {
      table.set_bytes_max(random() % 4097);
      evict_to(table.bytes_max());
    }
    const std::string name = "n" + std::to_string(random() % 20);
    const std::string value(random() % 40 == 0 ? random() % 4000 : random() % 30, 'v');
    const size_t entry_bytes = 32 + name.size() + value.size();
    const u32 hash = FieldIndex::hash_of(name, value);
    const bool fits = entry_bytes <= table.bytes_max();
    evict_to(fits ? table.bytes_max() - entry_bytes : 0);
    ASSERT_EQ(table.insert(name, value), fits);
    if (fits) {
      list.emplace_front(name, value);
      bytes += entry_bytes;
      index.added(name, hash);
    }
    ASSERT_EQ(table.count(), list.size()) << "step " << i << ", seed " << seed;
    ASSERT_EQ(table.bytes(), bytes);
    memory_max = std::max(memory_max, table.memory_bytes());
    if (i % 50 != 0) continue;
    for (u32 age = 0; age < table.count(); ++age) {
      const auto& entry = list[age];
      ASSERT_EQ(table.name(age), entry.first);
      ASSERT_EQ(table.value(age), entry.second);
      const u32 found =
          index.find(entry.first, entry.second, FieldIndex::hash_of(entry.first, entry.second));
      ASSERT_LE(found, age);
      ASSERT_EQ(list[found], entry);
      const u32 named = index.find_name(entry.first);
      ASSERT_LE(named, found);
      ASSERT_EQ(list[named].first, entry.first);
    }
    ASSERT_EQ(index.find(name, "none such", FieldIndex::hash_of(name, "none such")),
              FieldIndex::none);
    ASSERT_EQ(index.find_name("none such"), FieldIndex::none);
  }
  EXPECT_LE(memory_max, 4096U + 1024U);
}

}  // namespace
}  // namespace labcoat::http2
