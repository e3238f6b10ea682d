// RequestWriter puts a request into a slot's request area, in the order of layout.h.
#pragma once

#include <cstddef>
#include <string_view>

#include "channel/layout.h"

namespace labcoat::channel {

// What a request is made of, before it is put into a slot.
struct RequestText {
  std::string_view method, target, path, query, server_name, remote_address;
  size_t script_name_bytes = 0;  // of path
};

// Writes one request into a slot, in the order of layout.h. Returns false when the area is full:
// the request is too large.
class RequestWriter {
 public:
  RequestWriter(char* area, size_t bytes, RequestInfo& info)
      : area_(area), bytes_(bytes), info_(info) {}
  bool text(const RequestText& text);
  bool field(std::string_view name, std::string_view value);
  // After the last field. The body may also arrive in pieces; what fits is `body_room()`.
  void begin_body();
  size_t body_room() const { return bytes_ - used_; }
  bool body(std::string_view piece);

 private:
  void put(std::string_view piece);
  char* area_;
  size_t bytes_;
  size_t used_ = 0;
  RequestInfo& info_;
};

}  // namespace labcoat::channel
