// What the fields of a request mean for its framing and its connection. Internal to the request
// parser: it notes every field as it goes by, and judges when the head is complete. So a verdict
// about the fields together never depends on how many of them had arrived.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

#include "http/framing.h"
#include "http/request.h"

namespace labcoat::http {

class RequestFacts {
 public:
  // Resets what `out` held of an earlier request.
  explicit RequestFacts(RequestHead& out) : out_(out) {
    out.host = {};
    out.content_length = -1;
    out.chunked = out.expect_continue = out.upgrade = false;
    out.keep_alive = true;
    out.field_count = 0;
    out.status = 0;
    out.why = "";
  }

  void note(const Field& field, size_t fields_max) {
    if (out_.field_count == fields_max) [[unlikely]]
      return refuse(431, "too many fields");
    out_.fields[out_.field_count++] = field;
    // Most fields are none of ours; length and first letter tell nearly all of them apart.
    switch (field.name.size()) {
      case 4:
        if (is(field.name, "host")) note_host(field.value);
        break;
      case 6:
        if (is(field.name, "expect")) note_expect(field.value);
        break;
      case 7:
        if (is(field.name, "upgrade")) upgrade_ = upgrade_ || !field.value.empty();
        break;
      case 10:
        if (is(field.name, "connection")) connection_.add(field.value);
        break;
      case 14:
        if (is(field.name, "content-length")) note_length(field.value);
        break;
      case 17:
        if (is(field.name, "transfer-encoding")) note_coding(field.value);
        break;
      default:
        break;
    }
  }

  // The head is complete and its request line is in `out`. Bad sets status and why.
  // `target_host`: the authority of an absolute-form target, which wins over Host; empty otherwise.
  Parsed finish(std::string_view target_host);

 private:
  // `name` is a token as long as `lower`, which holds lower-case letters and '-'. Setting the bit
  // that makes a letter small maps no other tchar on those. Compared in overlapping words, a
  // compiler's delight.
  template <size_t N>
  static bool is(std::string_view name, const char (&lower)[N]) {
    constexpr size_t size = N - 1;
    using Word = std::conditional_t<(size >= 8), uint64_t, uint32_t>;
    constexpr Word case_bits = static_cast<Word>(0x2020202020202020);
    for (size_t at = 0;; at += sizeof(Word)) {
      const size_t from = at + sizeof(Word) <= size ? at : size - sizeof(Word);
      Word a, b;
      std::memcpy(&a, name.data() + from, sizeof(Word));
      std::memcpy(&b, lower + from, sizeof(Word));
      if ((a | case_bits) != b) return false;
      if (from + sizeof(Word) == size) return true;
    }
  }

  // The first refusal stands.
  void refuse(int status, const char* why) {
    if (out_.status != 0) return;
    out_.status = status;
    out_.why = why;
  }
  void note_host(std::string_view value);
  void note_expect(std::string_view value);
  void note_length(std::string_view value);
  void note_coding(std::string_view value);

  RequestHead& out_;
  ConnectionOptions connection_;
  bool host_ = false;
  bool coding_ = false;
  bool upgrade_ = false;
};

}  // namespace labcoat::http
