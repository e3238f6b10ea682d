#include "http2/static_index.h"

#include <array>

#include "http2/same_text.h"
#include "http2/static_table.h"

namespace labcoat::http2 {
namespace {

constexpr size_t slots = 256;

constexpr size_t slot_of(std::string_view name) {
  const auto byte = [&](size_t i) { return static_cast<size_t>(static_cast<u8>(name[i])); };
  const size_t n = name.size();
  return (n * 37 + byte(0) * 6 + byte(n / 2) * 5 + byte(n - 1) * 11) % slots;
}

struct StaticSlots {
  std::array<u8, slots> index{};
  bool unique = true;  // no name had to go where another one is
};

constexpr StaticSlots make_static_slots() {
  StaticSlots made;
  for (size_t i = static_table.size(); i-- > 0;) {
    u8& index = made.index[slot_of(static_table[i].name)];
    if (index != 0 && static_table[index - 1].name != static_table[i].name) made.unique = false;
    index = static_cast<u8>(i + 1);
  }
  return made;
}

constexpr StaticSlots static_slots = make_static_slots();
static_assert(static_slots.unique, "choose other factors in slot_of");

}  // namespace

u32 find_static_name(std::string_view name) {
  if (name.empty()) return 0;
  const u32 index = static_slots.index[slot_of(name)];
  return index != 0 && same_text(static_table[index - 1].name, name) ? index : 0;
}

u32 find_static_value(u32 name_index, std::string_view value) {
  const std::string_view name = static_table[name_index - 1].name;
  // Entries with one name are neighbours and share its text or at least its size.
  for (u32 i = name_index; i <= static_table.size() && static_table[i - 1].name == name; ++i) {
    if (same_text(static_table[i - 1].value, value)) return i;
  }
  return 0;
}

}  // namespace labcoat::http2
