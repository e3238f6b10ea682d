// FieldIndex: finds what the encoder's table holds, by field or by name, without walking it. Two
// hash tables of chains whose links are the table's ages: who leaves the table is the oldest, so
// the end of every chain, and nothing has to be taken out. As lazy with memory as the table.
#pragma once

#include <memory>
#include <string_view>

#include "http2/dynamic_table.h"

namespace labcoat::http2 {

class FieldIndex {
 public:
  // Over `table`, which outlives it. Call added() after each insert that returned true.
  explicit FieldIndex(const DynamicTable& table) : table_(table) {}
  FieldIndex(const FieldIndex&) = delete;
  FieldIndex& operator=(const FieldIndex&) = delete;

  static constexpr u32 none = ~u32{0};
  static u32 hash_of(std::string_view name, std::string_view value);
  // The age of the newest such entry, or none.
  u32 find(std::string_view name, std::string_view value, u32 hash) const;
  u32 find_name(std::string_view name) const;

  void added(std::string_view name, u32 hash);

  // Heads repeat: behind the field that was found last comes the one that came behind it the time
  // before. So most fields are found without a hash. begin() is for the first field of a block.
  void begin() { expected_ = &first_; }
  // Whether it is this field, and its age. Then it is what the next guess starts from.
  bool guess(std::string_view name, std::string_view value, u32& age) {
    const u16 number = *expected_;
    age = table_.age_of(number);
    if (age >= table_.count() || !table_.is(number, name, value)) return false;
    expected_ = &nexts_[number & (slots_ - 1)];
    return true;
  }
  // The field that came instead.
  void learn(u32 age);

  size_t memory_bytes() const { return slots_ * bytes_a_slot; }

 private:
  // Entries have numbers that count up; of each only the lowest bits are kept. A number that is not
  // less than its predecessor in the chain, or not in the table, ends the chain.
  struct Link {
    u32 hash;
    u16 older_field, older_name;
  };
  static constexpr size_t bytes_a_slot = sizeof(Link) + 3 * sizeof(u16);

  Link* links() const { return reinterpret_cast<Link*>(block_.get()); }
  u16* field_heads() const { return reinterpret_cast<u16*>(links() + slots_); }
  u16* name_heads() const { return field_heads() + slots_; }
  u32 number_of(u32 age) const { return table_.inserted() - 1 - age; }

  void link(u32 number, u32 hash, u32 name_hash);
  void rebuild();

  const DynamicTable& table_;
  std::unique_ptr<char[]> block_;
  u32 slots_ = 0;         // a power of two
  u16* nexts_ = nullptr;  // for each entry: what came behind it in a block
  u16 first_ = 0;
  u16* expected_ = &first_;
};

}  // namespace labcoat::http2
