// DynamicTable: the fields that one side of an HPACK context remembers, first in, first out (RFC
// 7541 section 2.3.2). The strings lie one behind the other in one block of memory, which slides
// back to its beginning when its end is reached. Nothing is allocated before the first entry, and
// then no more than the entries so far needed.
#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "http2/same_text.h"
#include "http2/static_table.h"

namespace labcoat::http2 {

class DynamicTable {
 public:
  // RFC 7541 section 4.1: what an entry counts beside its strings.
  static constexpr size_t entry_overhead = 32;
  static constexpr size_t bytes_limit = 32768;

  // At most bytes_limit.
  explicit DynamicTable(size_t bytes_max);

  // Throws out what is too much, RFC 7541 section 4.3. At most bytes_limit.
  void set_bytes_max(size_t bytes_max);
  size_t bytes_max() const { return bytes_max_; }

  // In the meaning of RFC 7541 section 4.1.
  size_t bytes() const { return bytes_; }
  u32 count() const { return count_; }

  // 0 is the newest. The views live until the next insert or set_bytes_max.
  std::string_view name(u32 age) const {
    const Entry& entry = entry_at(age);
    return {text_ + entry.at, entry.name_bytes};
  }
  std::string_view value(u32 age) const {
    const Entry& entry = entry_at(age);
    return {text_ + entry.at + entry.name_bytes, entry.value_bytes};
  }
  // Entries are numbered as they come; the lowest 16 bits of a number tell those in the table
  // apart.
  bool has(u16 number) const { return age_of(number) < count_; }
  u32 age_of(u16 number) const { return static_cast<u16>(next_ - 1 - number); }
  // Of a number that the table has.
  bool is(u16 number, std::string_view name, std::string_view value) const {
    const Entry& entry = entries()[number & entry_mask_];
    const char* const at = text_ + entry.at;
    return entry.name_bytes == name.size() && entry.value_bytes == value.size() &&
           same_bytes(at, name.data(), name.size()) &&
           same_bytes(at + name.size(), value.data(), value.size());
  }
  // So far, from the beginning; wraps.
  u32 inserted() const { return next_; }
  // Room for so many entries, a power of two; 0 before the first.
  u32 slots() const { return block_ == nullptr ? 0 : entry_mask_ + 1; }

  // Both strings may be views into the table, also into what has to leave for the new entry. An
  // entry larger than the table empties it, RFC 7541 section 4.4; then the answer is false.
  bool insert(std::string_view name, std::string_view value);

  // Of the memory held.
  size_t memory_bytes() const { return block_bytes_; }

 private:
  struct Entry {
    u32 at;  // of its text, within all text
    u16 name_bytes, value_bytes;
  };
  static constexpr size_t text_bytes_min = 1024;

  // The block: entries of a ring, then the text.
  Entry* entries() const { return reinterpret_cast<Entry*>(block_.get()); }

  const Entry& entry_at(u32 age) const { return entries()[(next_ - 1 - age) & entry_mask_]; }
  const Entry& oldest() const { return entries()[(next_ - count_) & entry_mask_]; }

  void evict_to(size_t bytes);
  // Room for `more` bytes behind the text, and for one more entry. The answer is the old block,
  // when there is a new one; `keep_old` wants it so.
  std::unique_ptr<char[]> make_room(size_t more, bool keep_old);
  std::unique_ptr<char[]> change_block(size_t text_room, size_t begin, size_t live);
  bool holds(std::string_view text_of_someone) const;

  std::unique_ptr<char[]> block_;
  size_t block_bytes_ = 0;
  size_t bytes_max_;
  size_t bytes_ = 0;
  char* text_ = nullptr;  // in the block
  u32 text_room_ = 0;
  u32 text_end_ = 0;
  u32 entry_mask_ = 0;
  u32 next_ = 0;  // of the entry to come, counted from the beginning
  u32 count_ = 0;
};

}  // namespace labcoat::http2
