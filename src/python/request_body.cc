#include "python/request_body.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unistd.h>

#include "python/ref.h"

namespace labcoat::python {

void RequestBody::open(const channel::WorkerPort& port, channel::WorkerControl& control,
                       u32 endpoint) {
  port_ = &port;
  control_ = &control;
  endpoint_ = endpoint;
  open_ = true;
  in_file_ = (port.request().flags & channel::request_body_in_file) != 0;
  bytes_ = port.request().body_bytes;
  position_ = 0;
  window_ = port.inline_body();
}

// A thread of the app may still be reading, without the GIL: it must be done before the request,
// and what it reads from, goes away.
void RequestBody::wait_for_other_threads() const {
  while (busy_) {
    const WithoutGil released;
    ::usleep(200);
  }
}

Status RequestBody::outlive_slot() {
  wait_for_other_threads();
  if (left() == 0 || !port_) return {};
  if (!in_file_) {
    buffer_.assign(window_);
    window_ = buffer_;
  } else if (!file_) {
    if (auto opened = open_file(); !opened) return opened;
  }
  port_ = nullptr;
  return {};
}

void RequestBody::close() {
  wait_for_other_threads();
  open_ = false;
  port_ = nullptr;
  file_.reset();
  bytes_ = position_ = 0;
  window_ = {};
  if (buffer_.capacity() > 0) std::string().swap(buffer_);
}

void RequestBody::skip(size_t bytes) {
  window_.remove_prefix(bytes);
  position_ += static_cast<i64>(bytes);
}

Status RequestBody::fetch() {
  if (!window_.empty() || left() == 0) return {};
  const size_t count = std::min(buffer_bytes, static_cast<size_t>(left()));
  buffer_.resize(count);
  if (auto got = read_file(buffer_.data(), count); !got) return got;
  window_ = buffer_;
  return {};
}

Status RequestBody::read(char* out, size_t count) {
  const size_t near = std::min(count, window_.size());
  if (near > 0) {
    std::memcpy(out, window_.data(), near);
    skip(near);
  }
  if (near == count) return {};
  if (auto got = read_file(out + near, count - near); !got) return got;
  position_ += static_cast<i64>(count - near);
  return {};
}

Status RequestBody::open_file() {
  if (!port_) return fail("the request is over, and with it its body");
  busy_ = true;
  Result<Fd> file;
  {
    const WithoutGil released;
    file = control_->fetch_body(*port_, endpoint_);
  }
  busy_ = false;
  if (!file) return tl::unexpected(file.error());
  file_ = std::move(*file);
  return {};
}

Status RequestBody::read_file(char* out, size_t count) {
  if (!file_) {
    if (auto opened = open_file(); !opened) return opened;
  }
  busy_ = true;
  ssize_t got = 1;
  {
    const WithoutGil released;
    i64 at = position_;
    while (count > 0) {
      got = ::pread(file_.get(), out, count, at);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) break;
      out += got;
      at += got;
      count -= static_cast<size_t>(got);
    }
  }
  busy_ = false;
  if (got < 0) return fail_errno("cannot read the request body back from its file");
  if (count > 0) return fail("the file with the request body is shorter than the body");
  return {};
}

}  // namespace labcoat::python
