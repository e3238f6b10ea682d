#include "http2/hpack_encoder.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "http2/hpack_integer.h"
#include "http2/huffman.h"
#include "http2/same_text.h"
#include "http2/static_index.h"

namespace labcoat::http2 {
namespace {

// Of the static table.
constexpr u32 path_index = 4;
constexpr u32 status_index = 8;
constexpr u32 status_count = 7;
constexpr u32 age_index = 21;
constexpr u32 authorization_index = 23;
constexpr u32 content_range_index = 30;
constexpr u32 cookie_index = 32;
constexpr u32 if_match_index = 39;
constexpr u32 if_unmodified_since_index = 43;
constexpr u32 location_index = 46;
constexpr u32 proxy_authorization_index = 49;
constexpr u32 set_cookie_index = 55;

constexpr std::string_view status_name = ":status";

// The usual ones, nearly every answer's first field. 0: some other field.
u32 find_status(std::string_view name, std::string_view value) {
  if (!same_bytes(name.data(), status_name.data(), status_name.size())) return 0;
  for (u32 index = status_index; index < status_index + status_count; ++index) {
    if (std::memcmp(static_table[index - 1].value.data(), value.data(), 3) == 0) return index;
  }
  return 0;
}

constexpr size_t guessable_cookie_bytes = 20;

// Why: Indexing.
Indexing best_indexing(u32 static_index, size_t value_bytes) {
  switch (static_index) {
    case authorization_index:
    case proxy_authorization_index:
    case set_cookie_index:
      return Indexing::never;
    case cookie_index:
      return value_bytes < guessable_cookie_bytes ? Indexing::never : Indexing::yes;
    case path_index:
    case age_index:
    case content_range_index:
    case location_index:
      return Indexing::no;
    default:
      return static_index >= if_match_index && static_index <= if_unmodified_since_index
                 ? Indexing::no
                 : Indexing::yes;
  }
}

// At most integer_bytes_max, text.size() and huffman_slack bytes.
char* write_string(char* at, std::string_view text) {
  const size_t coded = huffman_encode(text, at + 1);
  if (coded == 0) {
    at = write_integer(at, 0, 7, static_cast<u32>(text.size()));
    if (!text.empty()) std::memcpy(at, text.data(), text.size());
    return at + text.size();
  }
  char length[integer_bytes_max];
  const size_t length_bytes =
      static_cast<size_t>(write_integer(length, 0x80, 7, static_cast<u32>(coded)) - length);
  if (length_bytes != 1) std::memmove(at + length_bytes, at + 1, coded);
  std::memcpy(at, length, length_bytes);
  return at + length_bytes + coded;
}

void append_integer(std::string& out, u8 flags, int prefix_bits, u32 number) {
  if (number < (1U << prefix_bits) - 1) {
    out.push_back(static_cast<char>(flags | number));
    return;
  }
  char bytes[integer_bytes_max];
  char* const end = write_integer(bytes, flags, prefix_bits, number);
  out.append(bytes, static_cast<size_t>(end - bytes));
}

}  // namespace

void HpackEncoder::set_table_max(u32 bytes) {
  wanted_max_ = std::min(bytes, table_bytes_max);
  smallest_max_ = size_changed_ ? std::min(smallest_max_, wanted_max_) : wanted_max_;
  size_changed_ = true;
}

// RFC 7541 section 4.2: the smallest of all sizes since the last block, and the last.
void HpackEncoder::announce_sizes(std::string& out) {
  size_changed_ = false;
  if (smallest_max_ < wanted_max_ && smallest_max_ < table_.bytes_max()) {
    append_integer(out, 0x20, 5, smallest_max_);
    table_.set_bytes_max(smallest_max_);
  }
  if (wanted_max_ == table_.bytes_max()) return;
  append_integer(out, 0x20, 5, wanted_max_);
  table_.set_bytes_max(wanted_max_);
}

void HpackEncoder::add_unguessed(std::string& out, std::string_view name, std::string_view value,
                                 Indexing indexing) {
  if (name.size() == status_name.size() && value.size() == 3) {
    const u32 index = find_status(name, value);
    if (index != 0) {
      out.push_back(static_cast<char>(0x80 | index));
      return;
    }
  }
  const u32 hash = FieldIndex::hash_of(name, value);
  if (indexing != Indexing::never) {
    const u32 age = index_.find(name, value, hash);
    if (age != FieldIndex::none) {
      index_.learn(age);
      append_integer(out, 0x80, 7, dynamic_begin + age);
      return;
    }
  }
  add_literal(out, name, value, find_static_name(name), hash, indexing);
}

void HpackEncoder::add_literal(std::string& out, std::string_view name, std::string_view value,
                               u32 static_index, u32 hash, Indexing indexing) {
  indexing = std::max(indexing, best_indexing(static_index, value.size()));
  if (static_index != 0 && indexing != Indexing::never) {
    const u32 index = find_static_value(static_index, value);
    if (index != 0) {
      append_integer(out, 0x80, 7, index);
      return;
    }
  }
  const size_t bytes = name.size() + value.size();
  if (indexing == Indexing::yes &&
      bytes + DynamicTable::entry_overhead > table_.bytes_max() / 4 * 3) {
    indexing = Indexing::no;
  }
  u32 name_index = static_index;
  if (name_index == 0) {
    const u32 age = index_.find_name(name);
    if (age != FieldIndex::none) name_index = dynamic_begin + age;
  }

  std::array<char, 512> some;
  const size_t room = bytes + 3 * integer_bytes_max + huffman_slack;
  const size_t begin = out.size();
  const bool long_one = room > some.size();
  if (long_one) out.resize(begin + room);
  char* const first = long_one ? out.data() + begin : some.data();
  char* at = indexing == Indexing::yes
                 ? write_integer(first, 0x40, 6, name_index)
                 : write_integer(first, indexing == Indexing::never ? 0x10 : 0, 4, name_index);
  if (name_index == 0) at = write_string(at, name);
  at = write_string(at, value);
  if (long_one) {
    out.resize(begin + static_cast<size_t>(at - first));
  } else {
    out.append(first, static_cast<size_t>(at - first));
  }
  if (indexing == Indexing::yes && table_.insert(name, value)) index_.added(name, hash);
}

}  // namespace labcoat::http2
