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

  static constexpr u32 none = ~u32{0};
  static u32 hash_of(std::string_view name, std::string_view value);
  // The age of the newest such entry, or none.
  u32 find(std::string_view name, std::string_view value, u32 hash) const;
  u32 find_name(std::string_view name) const;

  void added(std::string_view name, u32 hash);

  // Heads repeat: behind the field that was found last comes the one that came behind it the time
  // before. So most fields are found without a hash. begin() is for the first field of a block.
  void begin() { last_number_ = no_number; }
  u32 guess(std::string_view name, std::string_view value) const {
    if (slots_ == 0) return none;
    const u32 age = age_of(last_number_ == no_number ? first_number_
                                                     : links()[last_number_ & (slots_ - 1)].next);
    return age < table_.count() && table_.holds(age, name, value) ? age : none;
  }
  // The entry of this age is where the block now stands.
  void follow(u32 age) { last_number_ = number_of(age); }
  // As follow(), when guess() did not know it.
  void learn(u32 age);

  size_t memory_bytes() const { return slots_ * bytes_a_slot; }

 private:
  // Entries have numbers that count up; of each only the lowest bits are kept. A number that is not
  // less than its predecessor in the chain, or not in the table, ends the chain.
  struct Link {
    u32 hash;
    u16 older_field, older_name;
    u16 next;  // what came behind it in a block
    u16 unused;
  };
  static constexpr u32 no_number = ~u32{0};
  static constexpr size_t bytes_a_slot = sizeof(Link) + 2 * sizeof(u16);

  Link* links() const { return reinterpret_cast<Link*>(block_.get()); }
  u16* field_heads() const { return reinterpret_cast<u16*>(links() + slots_); }
  u16* name_heads() const { return field_heads() + slots_; }
  u32 age_of(u16 number) const {
    return static_cast<u16>(static_cast<u16>(table_.inserted() - 1) - number);
  }

  u32 number_of(u32 age) const { return table_.inserted() - 1 - age; }

  void link(u32 number, u32 hash, u32 name_hash);
  void rebuild();

  const DynamicTable& table_;
  std::unique_ptr<char[]> block_;
  u32 slots_ = 0;  // a power of two
  u32 last_number_ = no_number;
  u16 first_number_ = 0;
};

}  // namespace labcoat::http2
