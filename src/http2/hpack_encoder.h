// HpackEncoder: fields to header blocks of HTTP/2 (RFC 7541). One per connection and direction,
// because the peer remembers what was said earlier. Pure: fields in, bytes out.
#pragma once

#include <string>
#include <string_view>

#include "http2/dynamic_table.h"
#include "http2/field_index.h"

namespace labcoat::http2 {

// What the caller thinks of a field. The encoder knows some names better:
// - `authorization`, `proxy-authorization`, `set-cookie` and a `cookie` of less than 20 bytes are
//   always `never`. Whoever can make us send fields of his choice on a connection that also carries
//   others' secrets sees from the lengths whether he guessed one (RFC 7541 section 7.1); only whole
//   values match, so it is the short ones that can be guessed. nghttp2 and Firefox draw the same
//   line for requests; a `set-cookie` nghttp2 sends unindexed, we keep it from proxies' tables,
//   too.
// - `:path`, `age`, `content-range`, `location` and the conditions of requests (`if-none-match` …)
//   are `no` at best: they hardly come twice, and each would push out what does. Unlike nghttp2
//   (and like H2O and Go) we have `etag`, `content-length` and `last-modified` remembered: of files
//   that are asked for again they are most of the head.
// - So is what would take more than three quarters of the table, as in nghttp2.
enum class Indexing : u8 {
  yes,    // to be remembered where that pays
  no,     // will not come again
  never,  // a secret: nobody on the way may remember it either, RFC 7541 section 6.2.3
};

class HpackEncoder {
 public:
  // Of the table we are ready to hold, whatever the peer offers. A larger one of the peer's does no
  // harm: it would only remember what we never refer to.
  static constexpr u32 table_bytes_max = 4096;

  HpackEncoder() = default;
  HpackEncoder(const HpackEncoder&) = delete;
  HpackEncoder& operator=(const HpackEncoder&) = delete;

  // The peer's SETTINGS_HEADER_TABLE_SIZE; 4096 while it said nothing. Holds from the next block
  // on.
  void set_table_max(u32 bytes);

  // Before the first field of a block: what the peer has to know of the table's size.
  void begin(std::string& out) {
    index_.begin();
    if (size_changed_) announce_sizes(out);
  }
  // The name is in lower case and not empty. Neither may be a view into `out`.
  void add(std::string& out, std::string_view name, std::string_view value,
           Indexing indexing = Indexing::yes) {
    u32 age = 0;
    // Here, because this is where most fields of most heads end.
    if (indexing != Indexing::never && index_.guess(name, value, age) && age <= one_byte_age_max) {
      out.push_back(static_cast<char>(0x80 | (dynamic_begin + age)));
    } else {
      add_unguessed(out, name, value, indexing);
    }
  }

  const DynamicTable& table() const { return table_; }
  size_t memory_bytes() const { return table_.memory_bytes() + index_.memory_bytes(); }

 private:
  // RFC 7541 section 6.1: seven bits, of which all ones mean more to come.
  static constexpr u32 one_byte_age_max = 0x7e - dynamic_begin;

  void announce_sizes(std::string& out);
  void add_unguessed(std::string& out, std::string_view name, std::string_view value,
                     Indexing indexing);
  void add_literal(std::string& out, std::string_view name, std::string_view value,
                   u32 static_index, u32 hash, Indexing indexing);

  DynamicTable table_{table_bytes_max};
  FieldIndex index_{table_};
  // RFC 7541 section 4.2: since the last block.
  u32 smallest_max_ = table_bytes_max;
  u32 wanted_max_ = table_bytes_max;
  bool size_changed_ = false;
};

}  // namespace labcoat::http2
