// HpackDecoder: header blocks of HTTP/2 (RFC 7541) to fields. One per connection and direction,
// because what was said earlier is remembered in its table. Pure: bytes in, fields out.
#pragma once

#include <string_view>

#include "http2/dynamic_table.h"

namespace labcoat::http2 {

// Whoever wants to know the fields of a block.
class FieldSink {
 public:
  virtual ~FieldSink() = default;
  // The fields in their order, pseudo-fields included, as they came: nobody has looked at their
  // bytes. The views live only during the call. False: no more of this block; so a small block that
  // stands for a huge list (RFC 7541 section 7.3) costs no more than its limit.
  virtual bool on_field(std::string_view name, std::string_view value) = 0;
};

class HpackDecoder {
 public:
  // What our SETTINGS_HEADER_TABLE_SIZE says; 4096 is what it means unsaid. Memory comes with the
  // first field that the peer wants remembered, and then stays below this and a quarter.
  explicit HpackDecoder(size_t table_bytes_max = 4096);

  enum class Outcome {
    done,
    broken,   // COMPRESSION_ERROR; no further block can be understood
    stopped,  // the sink said so; the table is right, further blocks can be understood
  };
  // A whole header block: the fragments of HEADERS and CONTINUATION in one piece. While it runs, up
  // to twice the block is held for strings.
  Outcome decode(std::string_view block, FieldSink& sink);

  const DynamicTable& table() const { return table_; }

 private:
  const size_t table_bytes_max_;
  DynamicTable table_;
};

}  // namespace labcoat::http2
