// Response turns what a WSGI app does (start_response, write, blocks of body) into frames of the
// channel, and keeps PEP 3333's rules about when the head is sent and how long the body may be.
// Needs the GIL, and lets go of it while the ring is full.
#pragma once

#include <string_view>

#include "channel/worker_control.h"
#include "channel/worker_port.h"
#include "python/file_wrapper.h"
#include "python/response_head.h"

namespace labcoat::python {

class Response {
 public:
  // All outlive the response.
  Response(channel::WorkerPort& port, channel::WorkerControl& control, u32 endpoint)
      : port_(port), control_(control), endpoint_(endpoint) {}

  // For the request that the port holds now.
  void open();

  // start_response as PEP 3333 has it; `exc_info` may be nullptr. False with an exception.
  bool start(PyObject* status, PyObject* headers, PyObject* exc_info);
  // Sends the head if that was not done yet. `body_bytes` is the length of the whole body when it
  // is known, else -1; it counts only when the app gave no Content-Length. False with an exception
  // when start_response was not called.
  bool begin(i64 body_bytes);
  // wsgi.early_hints: fields of a 103, on their way at once. False with an exception.
  bool hints(PyObject* headers);
  // After begin(). What exceeds the Content-Length is counted and left out.
  void send(std::string_view block);
  void send_file(const PlainFile& file);
  // What was sent goes to the client now.
  void flush();
  // After begin() and the whole body.
  void end();
  // Instead of what the app wanted: 500, or a response that is visibly cut off.
  void fail();

  bool head_sent() const { return head_sent_; }
  bool ended() const { return ended_; }
  // The client will get no more of it, whatever the app says.
  bool gone();
  // Every byte that the Content-Length promised was sent.
  bool complete() const { return head_sent_ && left_ == 0; }
  bool is_head_request() const { return is_head_request_; }
  // Bytes that the Content-Length promised and that never came, or came too much.
  i64 missing() const { return without_body() || gone_ || left_ < 0 ? 0 : left_; }
  i64 surplus() const { return surplus_; }

 private:
  bool without_body() const {
    return is_head_request_ || head_.code() == 204 || head_.code() == 304;
  }
  void wait_for_other_threads() const;
  i64 cut(i64 bytes);
  void send_small_file(const PlainFile& file, size_t bytes);

  channel::WorkerPort& port_;
  channel::WorkerControl& control_;
  const u32 endpoint_;
  ResponseHead head_;
  bool is_head_request_ = false;
  bool started_ = false;
  bool head_sent_ = false;
  bool gone_ = false;
  bool ended_ = false;
  bool busy_ = false;  // a thread writes without the GIL
  i64 left_ = -1;      // of the Content-Length; -1: there is none
  i64 surplus_ = 0;
};

}  // namespace labcoat::python
