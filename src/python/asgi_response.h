// AsgiResponse turns the http.response.* events of one request into frames of the channel, and
// keeps the protocol's rules: their order, their types, and the length that was promised. It never
// waits: what does not fit into the ring is pending, and goes out when there is room.
//
// The port must be using the request in every call but the plain questions. Needs the GIL.
#pragma once

#include <array>
#include <string>

#include "channel/worker_control.h"
#include "channel/worker_port.h"
#include "python/response_head.h"

namespace labcoat::python {

// The reason phrase of each status code; ASGI leaves it to the server.
using Reasons = std::array<std::string, 600>;

class AsgiResponse {
 public:
  // All outlive the response.
  AsgiResponse(channel::WorkerPort& port, channel::WorkerControl& control, const Reasons& reasons,
               u32 endpoint)
      : port_(port), control_(control), reasons_(reasons), endpoint_(endpoint) {}

  // For the request that the port has just taken.
  void open();

  // The events, as dictionaries. False with an exception when the app is at fault; then nothing of
  // the event was sent. While pending() is true there must be no other one.
  bool start(PyObject* event);
  bool body(PyObject* event);
  bool path_send(PyObject* event);
  bool early_hint(PyObject* event);
  bool trailers(PyObject* event);

  bool pending() const { return pending_ || trailers_pending_; }
  // Writes what fits by now of what is pending.
  void write_pending();
  // How much room is worth waiting for.
  size_t room_wanted();

  // Instead of what the app wanted: 500, or a response that is visibly cut off.
  void fail(int status);
  // Nobody wants it any more.
  void break_off();

  // The last frame is written, the slot is the edge's.
  bool ended() const { return ended_; }
  bool started() const { return head_.is_set(); }

 private:
  bool without_body() const {
    return is_head_request_ || head_.code() == 204 || head_.code() == 304;
  }
  bool send(Ref block, bool more);
  void body_complete();
  void write_trailers();
  bool check_length(i64 bytes, bool more) const;
  void begin(i64 body_bytes);
  void finish(channel::WorkerPort::Ending ending);
  bool send_file(const Fd& file, i64 bytes);

  channel::WorkerPort& port_;
  channel::WorkerControl& control_;
  const Reasons& reasons_;
  const u32 endpoint_;
  ResponseHead head_;
  bool is_head_request_ = false;
  bool head_sent_ = false;
  bool ended_ = false;
  i64 left_ = -1;  // of the Content-Length; -1: there is none
  Ref pending_;    // bytes
  size_t pending_at_ = 0;
  bool more_behind_pending_ = false;
  // Between the body and the end.
  bool trailers_wanted_ = false;
  bool body_complete_ = false;
  bool trailers_pending_ = false;
  Ref trailer_list_;  // of those that came with more_trailers
  ResponseHead trailers_;
};

}  // namespace labcoat::python
