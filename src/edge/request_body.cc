#include "edge/request_body.h"

#include <algorithm>
#include <cerrno>
#include <unistd.h>

#include "edge/body_files.h"

namespace labcoat::edge {
namespace {

// A body is written to its file in pieces of this size, however small the client's are.
constexpr i64 body_write_bytes = 64 * 1024;

}  // namespace

RequestBody::Stored RequestBody::append(std::string_view piece) {
  bytes_ += static_cast<i64>(piece.size());
  if (bytes_ > limits_.request_body_bytes) {
    counters_.limit_request_body.add();
    return Stored::too_large;
  }
  memory_.append(piece);
  const i64 kept = file_ ? body_write_bytes : std::max(limits_.body_memory_bytes, body_write_bytes);
  return static_cast<i64>(memory_.size()) <= kept ? Stored::yes : write_out();
}

RequestBody::Stored RequestBody::complete() {
  return bytes_ > limits_.body_memory_bytes ? write_out() : Stored::yes;
}

RequestBody::Stored RequestBody::write_out() {
  if (!file_) {
    auto file = create_body_file();
    if (!file) return Stored::no_room;
    counters_.body_files.add();
    file_ = std::make_shared<Fd>(std::move(*file));
  }
  std::string_view piece = memory_;
  while (!piece.empty()) {
    const ssize_t wrote = ::write(file_->get(), piece.data(), piece.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      return Stored::no_room;
    }
    piece.remove_prefix(static_cast<size_t>(wrote));
  }
  memory_.clear();
  return Stored::yes;
}

Refusal refusal_of(RequestBody::Stored stored) {
  if (stored == RequestBody::Stored::too_large) {
    return {413, "the request body is larger than limits.request_body_bytes"};
  }
  return {503, "there is no room for the request body"};
}

}  // namespace labcoat::edge
