// HPACK with a stranger, beside nghttp2's. The input's first byte says which way: 0 to 127 takes
// the rest as blocks, which both decoders must understand in the same way, or both find broken; 128
// to 255 takes it as fields and changes of the table's size, which both decoders must get back from
// our encoder, and ours from nghttp2's. After each block all tables are the same.
#include <algorithm>

#include "fuzz_input.h"
#include "http2/hpack_encoder.h"
#include "http2/hpack_oracle.h"

using namespace labcoat;
using namespace labcoat::http2;

namespace {

constexpr size_t input_bytes_max = 16 * 1024;  // nghttp2 ends at strings of 64 KiB, we do not

// Each block is a length of two bytes and itself.
void read_blocks(fuzz::Choices input) {
  BothDecoders decoders;
  while (!input.empty()) {
    const size_t size = size_t{input.byte()} | size_t{input.byte()} << 8;
    const fuzz::ExactBytes block(input.piece(size));
    if (!decoders.decode(block.view())) return;
  }
}

Fields read_fields(fuzz::Choices& input) {
  static const char* const names[] = {":status",       ":path", "date",       "server",
                                      "etag",          "age",   "set-cookie", "cookie",
                                      "authorization", "x-own", "vary",       "content-length"};
  Fields fields;
  for (size_t left = input.byte() & 15; left > 0 && !input.empty(); --left) {
    const u8 kind = input.byte();
    const std::string_view name =
        kind < 200 ? names[kind % std::size(names)] : input.piece(kind & 31);
    const u8 size = input.byte();
    std::string value(input.piece(size & 127));
    if (size >= 128) value.resize(value.size() * 32, '!');
    fields.emplace_back(name.empty() ? "x" : name, std::move(value));
  }
  return fields;
}

void say_fields(fuzz::Choices input) {
  HpackEncoder ours;
  OracleEncoder oracle;
  OracleDecoder of_ours;
  HpackDecoder of_ours_too;
  BothDecoders of_oracle;
  bool peer_changes = false;
  while (!input.empty()) {
    const u8 what = input.byte();
    for (u8 changes = what & 3; changes > 0; --changes) {
      const u32 bytes = u32{input.byte()} * 20;
      ours.set_table_max(bytes);
      oracle.set_table_max(std::min(bytes, HpackEncoder::table_bytes_max));
      of_ours.set_table_max(bytes);
      peer_changes = true;
    }
    const Fields fields = read_fields(input);
    std::string block;
    ours.begin(block);
    for (size_t i = 0; i < fields.size(); ++i) {
      const bool plain = (what >> 2 & 7) != (i & 7);
      ours.add(block, fields[i].first, fields[i].second,
               plain ? Indexing::yes : Indexing(what >> 6 & 1 ? 2 : 1));
    }
    Fields understood;
    CHECK(of_ours.decode(block, understood));
    CHECK(understood == fields);
    CHECK(of_ours.table() == entries_of(ours.table()));
    Listener listener;
    CHECK(of_ours_too.decode(block, listener) == HpackDecoder::Outcome::done);
    CHECK(listener.fields == fields);
    CHECK(entries_of(of_ours_too.table()) == entries_of(ours.table()));

    understood.clear();
    CHECK(of_oracle.decode(oracle.encode(fields, what >= 128), &understood));
    CHECK(understood == fields);
  }
  CHECK(peer_changes || ours.table().bytes_max() == HpackEncoder::table_bytes_max);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  fuzz::Choices input(view_of(data, std::min(size, input_bytes_max)));
  if (input.byte() < 128) {
    read_blocks(input);
  } else {
    say_fields(input);
  }
  return 0;
}
