// HpackEncoder: fields to header blocks of HTTP/2 (RFC 7541). One per connection and direction,
// because the peer remembers what was said earlier. Pure: fields in, bytes out.
#pragma once

#include <string>
#include <string_view>

#include "http2/dynamic_table.h"

namespace labcoat::http2 {

enum class Indexing : u8 {
  yes,    // to be remembered where that pays
  no,     // will not come again
  never,  // a secret: nobody on the way may remember it either, RFC 7541 section 6.2.3
};

class HpackEncoder {
 public:
  // Of the table we are ready to hold, whatever the peer offers.
  static constexpr u32 table_bytes_max = 4096;

  // The peer's SETTINGS_HEADER_TABLE_SIZE; 4096 while it said nothing. Holds from the next block
  // on.
  void set_table_max(u32 bytes);

  // Before the first field of a block: what the peer has to know of the table's size.
  void begin(std::string& out);
  // The name is in lower case. Neither may be a view into `out`.
  void add(std::string& out, std::string_view name, std::string_view value,
           Indexing indexing = Indexing::yes);

  const DynamicTable& table() const { return table_; }

 private:
  DynamicTable table_{table_bytes_max};
  // RFC 7541 section 4.2: since the last block.
  u32 smallest_max_ = table_bytes_max;
  u32 wanted_max_ = table_bytes_max;
  bool size_changed_ = false;
};

}  // namespace labcoat::http2
