// nghttp2's HPACK beside ours, for tests and fuzzing: whatever one side says, the other one has to
// understand in the same way.
#pragma once

#include <nghttp2/nghttp2.h>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "http2/hpack_encoder.h"
#include "http2/hpack_test_words.h"

namespace labcoat::http2 {

inline std::string_view view_of(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

class OracleDecoder {
 public:
  OracleDecoder() { CHECK(nghttp2_hd_inflate_new(&inflater_) == 0); }
  ~OracleDecoder() { nghttp2_hd_inflate_del(inflater_); }
  OracleDecoder(const OracleDecoder&) = delete;
  OracleDecoder& operator=(const OracleDecoder&) = delete;

  // A whole block; false when it is broken.
  bool decode(std::string_view block, Fields& out) {
    const auto* at = reinterpret_cast<const uint8_t*>(block.data());
    size_t left = block.size();
    for (;;) {
      nghttp2_nv field;
      int flags = 0;
      const ssize_t used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, at, left, 1);
      if (used < 0) return false;
      at += used;
      left -= static_cast<size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0) {
        out.emplace_back(view_of(field.name, field.namelen), view_of(field.value, field.valuelen));
      }
      if ((flags & NGHTTP2_HD_INFLATE_FINAL) != 0) break;
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return true;
  }

  // What our SETTINGS_HEADER_TABLE_SIZE would say, had it sent the block.
  void set_table_max(u32 bytes) {
    CHECK(nghttp2_hd_inflate_change_table_size(inflater_, bytes) == 0);
  }

  Fields table() const {
    Fields fields;
    const size_t end = nghttp2_hd_inflate_get_num_table_entries(inflater_);
    for (size_t i = dynamic_begin; i <= end; ++i) {
      const nghttp2_nv* const field = nghttp2_hd_inflate_get_table_entry(inflater_, i);
      CHECK(field != nullptr);
      fields.emplace_back(view_of(field->name, field->namelen),
                          view_of(field->value, field->valuelen));
    }
    return fields;
  }
  size_t table_bytes() const { return nghttp2_hd_inflate_get_dynamic_table_size(inflater_); }

 private:
  nghttp2_hd_inflater* inflater_ = nullptr;
};

class OracleEncoder {
 public:
  OracleEncoder() { CHECK(nghttp2_hd_deflate_new(&deflater_, HpackEncoder::table_bytes_max) == 0); }
  ~OracleEncoder() { nghttp2_hd_deflate_del(deflater_); }
  OracleEncoder(const OracleEncoder&) = delete;
  OracleEncoder& operator=(const OracleEncoder&) = delete;

  void set_table_max(u32 bytes) {
    CHECK(nghttp2_hd_deflate_change_table_size(deflater_, bytes) == 0);
  }

  // `never`: every field is a secret.
  std::string encode(const Fields& fields, bool never) {
    std::vector<nghttp2_nv> pairs;
    const auto bytes = [](const std::string& text) {
      return reinterpret_cast<uint8_t*>(const_cast<char*>(text.data()));
    };
    for (const auto& [name, value] : fields) {
      const nghttp2_nv_flag flag = never ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
      pairs.push_back(
          {bytes(name), bytes(value), name.size(), value.size(), static_cast<uint8_t>(flag)});
    }
    std::string block(nghttp2_hd_deflate_bound(deflater_, pairs.data(), pairs.size()), '\0');
    const ssize_t used = nghttp2_hd_deflate_hd(deflater_, reinterpret_cast<uint8_t*>(block.data()),
                                               block.size(), pairs.data(), pairs.size());
    CHECK(used >= 0);
    block.resize(static_cast<size_t>(used));
    return block;
  }

 private:
  nghttp2_hd_deflater* deflater_ = nullptr;
};

// Both decoders with one history. CHECKs that they agree.
class BothDecoders {
 public:
  // False when both find it broken; then nothing more can be said.
  bool decode(std::string_view block, Fields* out = nullptr) {
    Listener listener;
    const bool understood = ours_.decode(block, listener) == HpackDecoder::Outcome::done;
    Fields theirs;
    CHECK(oracle_.decode(block, theirs) == understood);
    if (!understood) return false;
    CHECK(listener.fields == theirs);
    CHECK(entries_of(ours_.table()) == oracle_.table());
    CHECK(ours_.table().bytes() == oracle_.table_bytes());
    if (out != nullptr) *out = std::move(listener.fields);
    return true;
  }

 private:
  HpackDecoder ours_;
  OracleDecoder oracle_;
};

}  // namespace labcoat::http2
