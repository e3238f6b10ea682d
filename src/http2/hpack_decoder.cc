#include "http2/hpack_decoder.h"

#include <array>
#include <memory>

#include "http2/hpack_integer.h"
#include "http2/huffman.h"

namespace labcoat::http2 {
namespace {

constexpr u32 size_prefix_max = 0x1f;
constexpr u32 index_prefix_max = 0x7f;

// One block on its way. Where it stands is handed from function to function, so that it is a
// register of the loop over indexed fields, which most fields are.
class BlockReader {
 public:
  BlockReader(std::string_view block, DynamicTable& table, FieldSink& sink)
      : end_(block.data() + block.size()),
        block_bytes_(block.size()),
        table_(table),
        sink_(&sink) {}

  // RFC 7541 section 4.2: new sizes stand in front of all fields. Like all that read something: the
  // place behind it, or nullptr when it is broken.
  const char* read_sizes(const char* at, size_t table_bytes_max) {
    while (at != end_ && (static_cast<u8>(*at) & ~size_prefix_max) == 0x20) {
      u32 bytes = 0;
      if (!read_integer(at, end_, 5, bytes) || bytes > table_bytes_max) return nullptr;
      table_.set_bytes_max(bytes);
    }
    return at;
  }

  const char* read_fields(const char* at) {
    while (at != end_) {
      const u8 first = static_cast<u8>(*at);
      if (first < 0x80) {
        at = read_literal(at, first);
        if (at == nullptr) return nullptr;
        continue;
      }
      // Section 6.1, and section 2.3.3: the static table, then the newest entry first.
      ++at;
      u32 index = first & index_prefix_max;
      if (index < dynamic_begin) {
        if (index == 0) return nullptr;
        const FieldView& field = static_table[index - 1];
        tell(field.name, field.value);
        continue;
      }
      if (index == index_prefix_max) {
        const Long read = read_long_index(at);
        if (read.at == nullptr) return nullptr;
        at = read.at;
        index = read.index;
      }
      const u32 age = index - dynamic_begin;
      if (age >= table_.count()) return nullptr;
      tell(table_.name(age), table_.value(age));
    }
    return at;
  }

  bool stopped() const { return sink_ == nullptr; }

 private:
  void tell(std::string_view name, std::string_view value) {
    if (sink_ != nullptr && !sink_->on_field(name, value)) sink_ = nullptr;
  }

  struct Long {
    const char* at;
    u32 index;
  };
  // `at` stands behind the first byte.
  [[gnu::noinline]] Long read_long_index(const char* at) const {
    Long read{at - 1, 0};
    if (!read_integer(read.at, end_, 7, read.index)) read.at = nullptr;
    return read;
  }

  // Sections 6.2.1 to 6.2.3. Decoded strings lie on the stack while they fit.
  [[gnu::noinline]] const char* read_literal(const char* at, u8 first) {
    const bool to_table = (first & 0x40) != 0;
    if (!to_table && (first & 0x20) != 0) return nullptr;  // a size behind a field
    std::array<char, 4096> some;
    Room room{some.data(), some.data() + some.size()};
    FieldView field;
    u32 index = 0;
    if (!read_integer(at, end_, to_table ? 6 : 4, index)) return nullptr;
    if (index == 0) {
      at = read_string(at, room, field.name);
      if (at == nullptr) return nullptr;
    } else if (!find_name(index, field.name)) {
      return nullptr;
    }
    at = read_string(at, room, field.value);
    if (at == nullptr) return nullptr;
    tell(field.name, field.value);
    if (to_table) table_.insert(field.name, field.value);
    return at;
  }

  bool find_name(u32 index, std::string_view& out) const {
    if (index < dynamic_begin) {
      out = static_table[index - 1].name;
      return true;
    }
    if (index - dynamic_begin >= table_.count()) return false;
    out = table_.name(index - dynamic_begin);
    return true;
  }

  // Where decoded strings go.
  struct Room {
    char* at;
    char* end;
  };

  // Section 5.2.
  const char* read_string(const char* at, Room& room, std::string_view& out) {
    if (at == end_) return nullptr;
    const bool coded = (static_cast<u8>(*at) & 0x80) != 0;
    u32 bytes = 0;
    if (!read_integer(at, end_, 7, bytes)) return nullptr;
    if (bytes > static_cast<size_t>(end_ - at)) return nullptr;
    out = std::string_view(at, bytes);
    at += bytes;
    if (!coded) return at;
    if (huffman_room(bytes) > static_cast<size_t>(room.end - room.at)) enlarge(room);
    const size_t decoded = huffman_decode(out, room.at);
    if (decoded == huffman_broken) return nullptr;
    out = std::string_view(room.at, decoded);
    room.at += decoded;
    return at;
  }

  // To what holds both strings of any field of this block.
  void enlarge(Room& room) {
    const size_t bytes = huffman_room(block_bytes_) + huffman_room(0);
    if (large_ == nullptr) large_.reset(new char[bytes]);
    room = {large_.get(), large_.get() + bytes};
  }

  const char* const end_;
  const size_t block_bytes_;
  DynamicTable& table_;
  FieldSink* sink_;  // nullptr: wants no more
  std::unique_ptr<char[]> large_;
};

}  // namespace

HpackDecoder::HpackDecoder(size_t table_bytes_max)
    : table_bytes_max_(table_bytes_max), table_(table_bytes_max) {}

HpackDecoder::Outcome HpackDecoder::decode(std::string_view block, FieldSink& sink) {
  BlockReader reader(block, table_, sink);
  const char* at = reader.read_sizes(block.data(), table_bytes_max_);
  if (at != nullptr) at = reader.read_fields(at);
  if (at == nullptr && !block.empty()) return Outcome::broken;
  return reader.stopped() ? Outcome::stopped : Outcome::done;
}

}  // namespace labcoat::http2
