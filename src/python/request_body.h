// RequestBody reads the body of one request, from the slot when it is small, else from the file the
// edge keeps for it. No Python objects; a read of the file blocks, so it lets go of the GIL.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "channel/worker_control.h"
#include "channel/worker_port.h"

namespace labcoat::python {

class RequestBody {
 public:
  // The request that `port` holds. Both outlive the body, or outlive_slot() or close() is called.
  void open(const channel::WorkerPort& port, channel::WorkerControl& control, u32 endpoint);
  // Takes along what is not read yet: the slot is about to be given back, but the app goes on.
  Status outlive_slot();
  // The request is over: reads say so.
  void close();

  i64 left() const { return bytes_ - position_; }
  // What lies in memory right now, from the current position; empty when more must be fetched.
  std::string_view window() const { return window_; }
  void skip(size_t bytes);
  // Makes window() non-empty when left() > 0. May let go of the GIL.
  Status fetch();
  // Exactly `count` <= left() bytes. May let go of the GIL.
  Status read(char* out, size_t count);
  // Set while a thread reads without the GIL; another one that shares the body must not.
  bool busy() const { return busy_; }
  bool is_open() const { return open_; }

 private:
  void wait_for_other_threads() const;
  Status open_file();
  Status read_file(char* out, size_t count);

  static constexpr size_t buffer_bytes = 64 * 1024;

  const channel::WorkerPort* port_ = nullptr;
  channel::WorkerControl* control_ = nullptr;
  u32 endpoint_ = 0;
  bool open_ = false;
  bool busy_ = false;
  bool in_file_ = false;
  i64 bytes_ = 0;
  i64 position_ = 0;  // of the first byte of window_
  std::string_view window_;
  std::string buffer_;  // what window_ views, unless that is the slot
  Fd file_;
};

}  // namespace labcoat::python
