#include "http2/dynamic_table.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <utility>

#include "base/check.h"

namespace labcoat::http2 {

DynamicTable::DynamicTable(size_t bytes_max) : bytes_max_(bytes_max) {
  CHECK(bytes_max <= bytes_limit);
}

void DynamicTable::set_bytes_max(size_t bytes_max) {
  CHECK(bytes_max <= bytes_limit);
  bytes_max_ = bytes_max;
  evict_to(bytes_max);
}

bool DynamicTable::insert(std::string_view name, std::string_view value) {
  const size_t text_bytes = name.size() + value.size();
  const size_t entry_bytes = text_bytes + entry_overhead;
  if (entry_bytes > bytes_max_) {
    evict_to(0);
    return false;
  }
  // What leaves can still be read: only sliding or a new block would end it.
  evict_to(bytes_max_ - entry_bytes);
  std::unique_ptr<char[]> old;
  if (text_end_ + text_bytes > text_room_ || count_ > entry_mask_ || block_ == nullptr) {
    old = make_room(text_bytes, holds(name) || holds(value));
  }
  char* const to = text_ + text_end_;
  if (!name.empty()) std::memcpy(to, name.data(), name.size());
  if (!value.empty()) std::memcpy(to + name.size(), value.data(), value.size());
  entries()[next_ & entry_mask_] = {text_end_, static_cast<u16>(name.size()),
                                    static_cast<u16>(value.size())};
  ++next_;
  ++count_;
  text_end_ += static_cast<u32>(text_bytes);
  bytes_ += entry_bytes;
  return true;
}

void DynamicTable::evict_to(size_t bytes) {
  while (bytes_ > bytes) {
    const Entry& entry = oldest();
    bytes_ -= entry_overhead + entry.name_bytes + entry.value_bytes;
    --count_;
  }
}

bool DynamicTable::holds(std::string_view text_of_someone) const {
  const std::less_equal<> before;  // a total order, also between pointers into different blocks
  return block_ != nullptr && before(block_.get(), text_of_someone.data()) &&
         before(text_of_someone.data(), block_.get() + block_bytes_);
}

std::unique_ptr<char[]> DynamicTable::make_room(size_t more, bool keep_old) {
  const u32 begin = count_ == 0 ? text_end_ : oldest().at;
  const size_t live = text_end_ - begin;
  size_t room = std::max<size_t>(text_room_, text_bytes_min);
  // A text that nearly fills its room would have to slide often. It never needs more than the
  // table's size, because every entry counts 32 bytes beside its text.
  while (room < bytes_max_ && (live + more > room / 4 * 3 || count_ >= room / entry_overhead)) {
    room *= 2;
  }
  std::unique_ptr<char[]> old;
  if (room != text_room_ || keep_old) {
    old = change_block(room, begin, live);
  } else {
    std::memmove(text_, text_ + begin, live);
  }
  for (u32 i = next_ - count_; i != next_; ++i) entries()[i & entry_mask_].at -= begin;
  text_end_ = static_cast<u32>(live);
  return old;
}

std::unique_ptr<char[]> DynamicTable::change_block(size_t text_room, size_t begin, size_t live) {
  const size_t ring = text_room / entry_overhead;
  const size_t bytes = ring * sizeof(Entry) + text_room;
  std::unique_ptr<char[]> old = std::exchange(block_, std::unique_ptr<char[]>(new char[bytes]));
  const u32 old_mask = std::exchange(entry_mask_, static_cast<u32>(ring - 1));
  const char* const old_text = std::exchange(text_, block_.get() + ring * sizeof(Entry));
  block_bytes_ = bytes;
  text_room_ = static_cast<u32>(text_room);
  if (count_ == 0) return old;
  const Entry* const old_entries = reinterpret_cast<Entry*>(old.get());
  for (u32 i = next_ - count_; i != next_; ++i) {
    entries()[i & entry_mask_] = old_entries[i & old_mask];
  }
  std::memcpy(text_, old_text + begin, live);
  return old;
}

}  // namespace labcoat::http2
