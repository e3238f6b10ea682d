// Stream: what the session knows of one request and its answer, as the part of an object that its
// owner makes for every request; so the session has no memory of its own for it.
#pragma once

#include "http2/frame.h"
#include "http2/priority.h"
#include "http2/window.h"

namespace labcoat::http2 {

class Stream {
 public:
  explicit Stream(StreamId id) : id_(id) {}
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // After a frame's payload was asked for.
  enum class Fill : u8 {
    more,      // some was appended, and there is more
    pause,     // that was all there is for now (maybe nothing): Session::wake when there is more
    end,       // that was the last; the frame ends the stream
    trailers,  // that was the last, trailers end the stream: write_trailers() is called
    broken,    // the answer cannot go on: what was appended is forgotten, the stream reset
  };
  // Appends at most `room` bytes of the answer's body. It may reset streams, but not write heads.
  virtual Fill fill(size_t room, std::string& out) = 0;
  // Session::begin_head, add …, end_head with end_stream.
  virtual void write_trailers() = 0;

  StreamId id() const { return id_; }
  // The client may send bytes of this number, of which `content-length` has spoken. Without a word
  // any number.
  void expect_body(i64 bytes) { body_left_ = bytes; }
  // The client has ended its side.
  bool has_heard_end() const { return heard_end_; }
  // The last frame of ours is written.
  bool has_said_end() const { return said_end_; }
  // Both sides have ended, or one has reset it: nothing can be written any more. The session
  // forgets it at the end of the current frame.
  bool is_closed() const { return closed_; }
  // What the client takes of this stream alone; below zero after it took windows back.
  i64 send_window() const { return send_window_.left(); }
  const Priority& priority() const { return priority_; }

 private:
  friend class Session;
  friend class SendQueue;

  const StreamId id_;
  bool heard_end_ = false;
  bool said_end_ = false;
  bool closed_ = false;
  bool ready_ = false;             // fill() has something
  bool queued_ = false;            // in the SendQueue
  bool priority_updated_ = false;  // by a frame: the field in the head counts no more
  Priority priority_;
  SendWindow send_window_;
  ReceiveWindow receive_window_;
  i64 body_left_ = -1;
  Stream* next_ = nullptr;  // in the SendQueue, or among the closed
  Stream* previous_ = nullptr;
};

}  // namespace labcoat::http2
