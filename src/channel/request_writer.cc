#include "channel/request_writer.h"

#include <cstring>

namespace labcoat::channel {

// There is room: whoever calls has looked.
void RequestWriter::put(std::string_view piece) {
  if (piece.empty()) return;  // memcpy may not be given the null of an empty view
  std::memcpy(area_ + used_, piece.data(), piece.size());
  used_ += piece.size();
}

bool RequestWriter::text(const RequestText& text) {
  info_.method_bytes = static_cast<u32>(text.method.size());
  info_.target_bytes = static_cast<u32>(text.target.size());
  info_.path_bytes = static_cast<u32>(text.path.size());
  info_.query_bytes = static_cast<u32>(text.query.size());
  info_.server_name_bytes = static_cast<u32>(text.server_name.size());
  info_.remote_address_bytes = static_cast<u32>(text.remote_address.size());
  info_.script_name_bytes = static_cast<u32>(text.script_name_bytes);
  info_.field_count = 0;
  const size_t bytes = text.method.size() + text.target.size() + text.path.size() +
                       text.query.size() + text.server_name.size() + text.remote_address.size();
  if (bytes > bytes_ - used_) return false;
  put(text.method);
  put(text.target);
  put(text.path);
  put(text.query);
  put(text.server_name);
  put(text.remote_address);
  return true;
}

bool RequestWriter::field(std::string_view name, std::string_view value) {
  const FieldHeader header{static_cast<u32>(name.size()), static_cast<u32>(value.size())};
  if (sizeof header + name.size() + value.size() > bytes_ - used_) return false;
  std::memcpy(area_ + used_, &header, sizeof header);
  used_ += sizeof header;
  put(name);
  put(value);
  ++info_.field_count;
  return true;
}

void RequestWriter::begin_body() {
  info_.body_offset = static_cast<u32>(used_);
  info_.body_bytes = 0;
}

bool RequestWriter::body(std::string_view piece) {
  if (piece.size() > bytes_ - used_) return false;
  put(piece);
  info_.body_bytes += static_cast<i64>(piece.size());
  return true;
}

}  // namespace labcoat::channel
