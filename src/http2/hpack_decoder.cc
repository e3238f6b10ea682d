#include "http2/hpack_decoder.h"

#include <array>
#include <memory>

#include "http2/hpack_integer.h"
#include "http2/huffman.h"

namespace labcoat::http2 {
namespace {

// One block on its way. Decoded strings lie on the stack while they fit.
class BlockReader {
 public:
  BlockReader(std::string_view block, DynamicTable& table, size_t table_bytes_max, FieldSink& sink)
      : at_(block.data()),
        end_(at_ + block.size()),
        block_bytes_(block.size()),
        table_(table),
        table_bytes_max_(table_bytes_max),
        sink_(sink) {}

  HpackDecoder::Outcome run() {
    // RFC 7541 section 4.2: a new size stands in front of all fields.
    while (at_ != end_ && (static_cast<u8>(*at_) & 0xe0) == 0x20) {
      u32 bytes = 0;
      if (!read_integer(at_, end_, 5, bytes)) return HpackDecoder::Outcome::broken;
      if (bytes > table_bytes_max_) return HpackDecoder::Outcome::broken;
      table_.set_bytes_max(bytes);
    }
    while (at_ != end_) {
      if (!read_field()) return HpackDecoder::Outcome::broken;
    }
    return told_ ? HpackDecoder::Outcome::done : HpackDecoder::Outcome::stopped;
  }

 private:
  void tell(const FieldView& field) { told_ = told_ && sink_.on_field(field.name, field.value); }

  bool read_field() {
    const u8 first = static_cast<u8>(*at_);
    FieldView field;
    if ((first & 0x80) != 0) {  // section 6.1
      if (!read_indexed(7, field)) return false;
      tell(field);
      return true;
    }
    const bool to_table = (first & 0x40) != 0;           // section 6.2.1
    if (!to_table && (first & 0x20) != 0) return false;  // a size behind a field
    room_ = stack_.data();
    room_end_ = room_ + stack_.size();
    if ((first & (to_table ? 0x3f : 0x0f)) == 0) {
      ++at_;
      if (!read_string(field.name)) return false;
    } else {
      if (!read_indexed(to_table ? 6 : 4, field)) return false;
    }
    if (!read_string(field.value)) return false;
    tell(field);
    if (to_table) table_.insert(field.name, field.value);
    return true;
  }

  // Section 2.3.3: the static table, then the newest entry first.
  bool read_indexed(int prefix_bits, FieldView& out) {
    u32 index = 0;
    if (!read_integer(at_, end_, prefix_bits, index) || index == 0) return false;
    if (index <= static_table.size()) {
      out = static_table[index - 1];
      return true;
    }
    const size_t age = index - static_table.size() - 1;
    if (age >= table_.count()) return false;
    out = table_.at(age);
    return true;
  }

  // Section 5.2.
  bool read_string(std::string_view& out) {
    if (at_ == end_) return false;
    const bool coded = (static_cast<u8>(*at_) & 0x80) != 0;
    u32 bytes = 0;
    if (!read_integer(at_, end_, 7, bytes) || bytes > static_cast<size_t>(end_ - at_)) return false;
    out = std::string_view(at_, bytes);
    at_ += bytes;
    if (!coded) return true;
    char* const room = room_for(huffman_room(bytes));
    const size_t decoded = huffman_decode(out, room);
    if (decoded == huffman_broken) return false;
    out = std::string_view(room, decoded);
    room_ = room + decoded;
    return true;
  }

  // The field's name stays where it is while its value comes. The large room has place for every
  // string of the block at once.
  char* room_for(size_t bytes) {
    if (bytes > static_cast<size_t>(room_end_ - room_)) {
      const size_t all = huffman_room(block_bytes_) + huffman_room(0);
      if (large_ == nullptr) large_.reset(new char[all]);
      room_ = large_.get();
      room_end_ = room_ + all;
    }
    return room_;
  }

  const char* at_;
  const char* const end_;
  const size_t block_bytes_;
  DynamicTable& table_;
  const size_t table_bytes_max_;
  FieldSink& sink_;
  bool told_ = true;
  char* room_ = nullptr;
  char* room_end_ = nullptr;
  std::unique_ptr<char[]> large_;
  std::array<char, 4096> stack_;
};

}  // namespace

HpackDecoder::HpackDecoder(size_t table_bytes_max)
    : table_bytes_max_(table_bytes_max), table_(table_bytes_max) {}

HpackDecoder::Outcome HpackDecoder::decode(std::string_view block, FieldSink& sink) {
  return BlockReader(block, table_, table_bytes_max_, sink).run();
}

}  // namespace labcoat::http2
