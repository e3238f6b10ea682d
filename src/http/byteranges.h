// multipart/byteranges, RFC 9110 section 14.6: several parts of one representation in one body.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/range.h"

namespace labcoat::http {

// What stands around the parts. Their bytes go between: prefix(0), bytes of range 0, prefix(1), …,
// end(). The boundary must not occur in the bytes: 64 random bits see to that.
class ByterangesFrame {
 public:
  // `type` is the representation's content type, `size` its length. Both views outlive it.
  ByterangesFrame(const Ranges& ranges, std::string_view type, int64_t size, uint64_t random);

  // Of the whole response: "multipart/byteranges; boundary=…".
  std::string content_type() const;
  // Of the whole body.
  int64_t bytes() const;
  size_t count() const { return ranges_.count; }
  const ByteRange& range(size_t i) const { return ranges_.ranges[i]; }
  std::string prefix(size_t i) const;
  std::string end() const;

 private:
  const Ranges& ranges_;
  std::string_view type_;
  int64_t size_;
  std::array<char, 16> boundary_;
};

}  // namespace labcoat::http
