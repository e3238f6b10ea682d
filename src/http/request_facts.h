// What the fields of a request mean for its framing and its connection. Internal to the request
// parser: it notes every field as it goes by, and judges when the head is complete. So a verdict
// about the fields together never depends on how many of them had arrived.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "http/framing.h"
#include "http/request.h"

namespace labcoat::http {

// By the low five bits of the first letter: bit n is set when a field we read has that letter and
// length n.
constexpr std::array<uint32_t, 32> candidate_lengths = [] {
  std::array<uint32_t, 32> lengths{};
  for (const std::string_view name :
       {"host", "expect", "upgrade", "connection", "content-length", "transfer-encoding"}) {
    lengths[static_cast<uint8_t>(name[0]) & 31] |= uint32_t{1} << name.size();
  }
  return lengths;
}();

class RequestFacts {
 public:
  // Resets what `out` held of an earlier request. fields_max is at most
  // RequestHead::fields_capacity.
  RequestFacts(RequestHead& out, size_t fields_max) : out_(out), fields_max_(fields_max) {
    out.host = {};
    out.content_length = -1;
    out.chunked = out.expect_continue = out.upgrade = false;
    out.keep_alive = true;
    out.field_count = 0;
    out.status = 0;
    out.why = "";
  }

  // Where to put the next field: in `out` while there is room.
  Field& next_field() {
    return out_.field_count < fields_max_ ? out_.fields[out_.field_count] : surplus_;
  }
  // `field` is what next_field gave, filled in.
  void note(const Field& field) {
    if (&field == &surplus_) [[unlikely]]
      return refuse(431, "too many fields");
    ++out_.field_count;
    if (is_candidate(field.name)) [[unlikely]]
      note_candidate(field);
  }

  // The head is complete and its request line is in `out`. Bad sets status and why.
  // `target_host`: the authority of an absolute-form target, which wins over Host; empty otherwise.
  Parsed finish(std::string_view target_host);

 private:
  // Most fields are none of ours: length and first letter tell without a branch per name.
  static bool is_candidate(std::string_view name) {
    return name.size() < 32 &&
           (candidate_lengths[static_cast<uint8_t>(name[0]) & 31] >> name.size() & 1) != 0;
  }
  void note_candidate(const Field& field);

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
  size_t fields_max_;
  Field surplus_;
  ConnectionOptions connection_;
  bool host_ = false;
  bool coding_ = false;
  bool upgrade_ = false;
};

}  // namespace labcoat::http
