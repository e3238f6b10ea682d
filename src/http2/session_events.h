// What a session tells its owner while it receives and writes. None of these calls may call
// receive() or write().
#pragma once

#include "http2/hpack_decoder.h"
#include "http2/stream.h"

namespace labcoat::http2 {

// What a client did wrong, or too much; for counters.
enum class Fault : u8 {
  refused,    // a request beyond streams_max
  malformed,  // a message, RFC 9113 section 8.1.1
  framing,    // anything else; of the stream or the connection
};

class SessionEvents {
 public:
  // A frame of any kind begins; its payload may still be on its way.
  virtual void on_frame(const FrameHead& head) = 0;
  // A DATA frame was nothing: empty without an end, padding alone, or for nobody.
  virtual void on_empty_data() = 0;
  // A head goes on for more frames or bytes than any should. The rest of it is only read further
  // if the session is not terminated.
  virtual void on_endless_head() = 0;

  // The fields of a request or of its trailers follow, to this sink.
  virtual FieldSink& begin_fields(bool trailers) = 0;
  // The fields were all; makes the stream for the request. It lives until on_closed.
  virtual Stream& open(StreamId id) = 0;
  // The stream can be written to now.
  virtual void on_request(Stream& stream, bool end_of_request) = 0;
  // False: not all is dealt with; consume() follows when it is, or never if nobody wants more.
  virtual bool on_data(Stream& stream, std::string_view bytes) = 0;
  // False: the trailers are malformed.
  virtual bool on_trailers(Stream& stream) = 0;
  virtual void on_end_of_request(Stream& stream) = 0;

  virtual void on_reset_heard() = 0;
  // Also of streams that were never opened.
  virtual void on_reset_said(ErrorCode code) = 0;
  virtual void on_pong() = 0;
  virtual void on_fault(Fault fault) = 0;
  // The session has forgotten the stream.
  virtual void on_closed(Stream& stream) = 0;

 protected:
  ~SessionEvents() = default;
};

}  // namespace labcoat::http2
