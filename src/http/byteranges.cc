#include "http/byteranges.h"

namespace labcoat::http {

ByterangesFrame::ByterangesFrame(const Ranges& ranges, std::string_view type, int64_t size,
                                 uint64_t random)
    : ranges_(ranges), type_(type), size_(size), boundary_() {
  for (char& c : boundary_) {
    c = "0123456789abcdef"[random & 15];
    random >>= 4;
  }
}

std::string ByterangesFrame::content_type() const {
  return "multipart/byteranges; boundary=" + std::string(boundary_.data(), boundary_.size());
}

std::string ByterangesFrame::prefix(size_t i) const {
  const ByteRange& one = ranges_.ranges[i];
  std::string text = i == 0 ? "--" : "\r\n--";
  text.append(boundary_.data(), boundary_.size());
  text.append("\r\nContent-Type: ").append(type_).append("\r\nContent-Range: bytes ");
  text.append(std::to_string(one.first)).append("-").append(std::to_string(one.last));
  text.append("/").append(std::to_string(size_)).append("\r\n\r\n");
  return text;
}

std::string ByterangesFrame::end() const {
  std::string text = "\r\n--";
  return text.append(boundary_.data(), boundary_.size()).append("--\r\n");
}

int64_t ByterangesFrame::bytes() const {
  auto bytes = static_cast<int64_t>(end().size());
  for (size_t i = 0; i < count(); ++i) {
    bytes += static_cast<int64_t>(prefix(i).size()) + range(i).last - range(i).first + 1;
  }
  return bytes;
}

}  // namespace labcoat::http
