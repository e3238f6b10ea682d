#include "channel/request_writer.h"

#include <cstring>

namespace labcoat::channel {

bool RequestWriter::append(std::string_view piece) {
  if (piece.size() > bytes_ - used_) return false;
  if (piece.empty()) return true;  // memcpy may not be given the null of an empty view
  std::memcpy(area_ + used_, piece.data(), piece.size());
  used_ += piece.size();
  return true;
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
  return append(text.method) && append(text.target) && append(text.path) && append(text.query) &&
         append(text.server_name) && append(text.remote_address);
}

bool RequestWriter::field(std::string_view name, std::string_view value) {
  const FieldHeader header{static_cast<u32>(name.size()), static_cast<u32>(value.size())};
  if (sizeof header + name.size() + value.size() > bytes_ - used_) return false;
  append({reinterpret_cast<const char*>(&header), sizeof header});
  append(name);
  append(value);
  ++info_.field_count;
  return true;
}

void RequestWriter::begin_body() {
  info_.body_offset = static_cast<u32>(used_);
  info_.body_bytes = 0;
}

bool RequestWriter::body(std::string_view piece) {
  if (!append(piece)) return false;
  info_.body_bytes += static_cast<i64>(piece.size());
  return true;
}

}  // namespace labcoat::channel
