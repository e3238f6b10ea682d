#include "http2/field_index.h"

#include <cstring>

#include "http2/same_text.h"

namespace labcoat::http2 {
namespace {

constexpr u64 odd_1 = 0x9e3779b97f4a7c15;  // of the golden ratio: spreads what is added
constexpr u64 odd_2 = 0xc2b2ae3d27d4eb4f;

// Bytes from both ends and the length. Names differ there; what does not only makes a chain longer.
u64 hash_name(std::string_view name) {
  const char* const p = name.data();
  const size_t n = name.size();
  if (n >= 8) return (load<u64>(p) ^ (load<u64>(p + n - 8) * odd_2)) + n;
  if (n >= 4) return (load<u32>(p) ^ (u64{load<u32>(p + n - 4)} * odd_2)) + n;
  if (n == 0) return 0;
  return static_cast<u64>(static_cast<u8>(p[0])) << 16 |
         static_cast<u64>(static_cast<u8>(p[n / 2])) << 8 | static_cast<u8>(p[n - 1]);
}

u32 fold(u64 sum) {
  sum *= odd_1;
  return static_cast<u32>(sum >> 32);
}

}  // namespace

u32 FieldIndex::hash_of(std::string_view name, std::string_view value) {
  u64 sum = hash_name(value) * odd_1;
  if (value.size() >= 16) sum ^= load<u64>(value.data() + value.size() / 2) * odd_2;
  return fold(sum ^ (sum >> 29) ^ hash_name(name));
}

u32 FieldIndex::find(std::string_view name, std::string_view value, u32 hash) const {
  if (slots_ == 0) return none;
  u16 number = field_heads()[hash & (slots_ - 1)];
  u32 age = table_.age_of(number);
  u32 newest = 0;
  while (age < table_.count() && age >= newest) {
    const Link& link = links()[number & (slots_ - 1)];
    if (link.hash == hash && table_.is(number, name, value)) return age;
    newest = age + 1;
    number = link.older_field;
    age = table_.age_of(number);
  }
  return none;
}

u32 FieldIndex::find_name(std::string_view name) const {
  if (slots_ == 0) return none;
  u16 number = name_heads()[fold(hash_name(name)) & (slots_ - 1)];
  u32 age = table_.age_of(number);
  u32 newest = 0;
  while (age < table_.count() && age >= newest) {
    if (same_text(table_.name(age), name)) return age;
    newest = age + 1;
    number = links()[number & (slots_ - 1)].older_name;
    age = table_.age_of(number);
  }
  return none;
}

void FieldIndex::added(std::string_view name, u32 hash) {
  if (table_.slots() != slots_) {
    rebuild();
  } else {
    link(number_of(0), hash, fold(hash_name(name)));
  }
  learn(0);
}

void FieldIndex::learn(u32 age) {
  const u16 number = static_cast<u16>(number_of(age));
  *expected_ = number;
  expected_ = &nexts_[number & (slots_ - 1)];
}

void FieldIndex::link(u32 number, u32 hash, u32 name_hash) {
  u16& field_head = field_heads()[hash & (slots_ - 1)];
  u16& name_head = name_heads()[name_hash & (slots_ - 1)];
  links()[number & (slots_ - 1)] = {hash, field_head, name_head};
  field_head = name_head = static_cast<u16>(number);
}

// After the table has got more slots, which is rare.
void FieldIndex::rebuild() {
  slots_ = table_.slots();
  expected_ = &first_;
  block_.reset(new char[slots_ * bytes_a_slot]);
  // All heads mean an entry that is not there, or ends its chain by being no older.
  std::memset(block_.get(), 0, slots_ * bytes_a_slot);
  nexts_ = name_heads() + slots_;
  for (u32 age = table_.count(); age-- > 0;) {
    const FieldView field{table_.name(age), table_.value(age)};
    link(number_of(age), hash_of(field.name, field.value), fold(hash_name(field.name)));
  }
}

}  // namespace labcoat::http2
