#include "http2/hpack_encoder.h"

#include <algorithm>

#include "http2/hpack_integer.h"
#include "http2/huffman.h"

namespace labcoat::http2 {
namespace {

void append_integer(std::string& out, u8 flags, int prefix_bits, size_t number) {
  char bytes[integer_bytes_max];
  char* const end = write_integer(bytes, flags, prefix_bits, static_cast<u32>(number));
  out.append(bytes, static_cast<size_t>(end - bytes));
}

void append_string(std::string& out, std::string_view text) {
  const size_t coded = huffman_bytes(text);
  if (coded >= text.size()) {
    append_integer(out, 0, 7, text.size());
    out.append(text);
    return;
  }
  append_integer(out, 0x80, 7, coded);
  const size_t at = out.size();
  out.resize(at + coded + huffman_slack);
  huffman_encode(text, out.data() + at);
  out.resize(at + coded);
}

}  // namespace

void HpackEncoder::set_table_max(u32 bytes) {
  wanted_max_ = std::min(bytes, table_bytes_max);
  smallest_max_ = size_changed_ ? std::min(smallest_max_, wanted_max_) : wanted_max_;
  size_changed_ = true;
}

void HpackEncoder::begin(std::string& out) {
  if (!size_changed_) return;
  size_changed_ = false;
  if (smallest_max_ < wanted_max_ && smallest_max_ < table_.bytes_max()) {
    append_integer(out, 0x20, 5, smallest_max_);
    table_.set_bytes_max(smallest_max_);
  }
  if (wanted_max_ == table_.bytes_max()) return;
  append_integer(out, 0x20, 5, wanted_max_);
  table_.set_bytes_max(wanted_max_);
}

void HpackEncoder::add(std::string& out, std::string_view name, std::string_view value,
                       Indexing indexing) {
  size_t index = 0, name_index = 0;
  const auto look_at = [&](size_t i, const FieldView& field) {
    if (field.name != name) return;
    if (name_index == 0) name_index = i;
    if (index == 0 && field.value == value) index = i;
  };
  for (size_t i = 0; i < static_table.size(); ++i) look_at(i + 1, static_table[i]);
  for (size_t i = 0; i < table_.count(); ++i) look_at(static_table.size() + 1 + i, table_.at(i));
  if (index != 0 && indexing != Indexing::never) {
    append_integer(out, 0x80, 7, index);
    return;
  }
  const bool to_table = indexing == Indexing::yes;
  const int prefix_bits = to_table ? 6 : 4;
  const u8 flags = to_table ? 0x40 : indexing == Indexing::never ? 0x10 : 0;
  append_integer(out, flags, prefix_bits, name_index);
  if (name_index == 0) append_string(out, name);
  append_string(out, value);
  if (to_table) table_.insert(name, value);
}

}  // namespace labcoat::http2
