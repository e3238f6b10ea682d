// Http2Connection: one client that speaks HTTP/2. nghttp2 holds the protocol's state (the session);
// this is what stands between it, the socket, and the streams: it feeds the session with what
// arrives, gathers what the session has to say into the thread's output scratch, once for a batch
// of events, and sends it at once. Frames are made only when the socket takes them, so that
// priorities (RFC 9218) decide at the last moment, and a slow client holds little memory. It also
// counts what a client does that costs us more than it, and ends the connection when it is too
// much.
#pragma once

#include <memory>
#include <nghttp2/nghttp2.h>
#include <string>

#include "edge/edge_thread.h"
#include "edge/http2_budget.h"
#include "edge/http2_head.h"
#include "edge/http2_stream.h"
#include "edge/socket_connection.h"

namespace labcoat::edge {

// What a client that knows beforehand sends first, RFC 9113 section 3.4.
constexpr std::string_view http2_preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

class Http2Connection final : public SocketConnection {
 public:
  Http2Connection(EdgeThread& thread, net::Transport transport, const Client& client);
  ~Http2Connection() override;

  // Watches the socket and begins with what somebody has read ahead, the preface included.
  void start(std::string_view read_ahead);
  void on_events(u32 events) override;
  void resume() override;
  void drain() override;

  // For its streams.
  void submit_head(Http2Stream& stream, const Response& response, bool head_request);
  void submit_continue(StreamId stream);
  void reopen_window(StreamId stream, size_t bytes) {
    nghttp2_session_consume_stream(session_.get(), stream, bytes);
  }
  // Bytes of bodies given to the client, of all streams.
  u64 body_bytes() const { return body_bytes_; }
  // Whether the stream's own window lets nothing more through than the frame that is being sent.
  bool holds_back(StreamId stream, size_t frame_bytes) const;
  // Its client takes less than limits.write_rate_min.
  void drop_slow(Http2Stream& stream);
  void submit_hints(Http2Stream& stream, const Response& response);
  void submit_trailers(Http2Stream& stream,
                       const std::vector<std::pair<std::string, std::string>>& trailers);
  void resume_data(StreamId stream) { nghttp2_session_resume_data(session_.get(), stream); }
  void reset_malformed(Http2Stream& stream);
  void stalled(Http2Stream& stream);  // its client has taken nothing for limits.write_timeout
  void forget(Http2Stream& stream);   // at the end of the batch
  // Sends what was gathered, and gives turns, at the end of this batch of events.
  void come_back();
  void note_turn() { turns_wanted_ = true; }
  // Bytes of responses that all streams hold in memory.
  size_t buffered() const { return static_cast<size_t>(buffered_); }
  void note_buffered(i64 more) { buffered_ += more; }

 private:
  friend struct Http2Callbacks;  // the session's, in http2_session.cc

  enum class State : u8 { open, linger, closed };
  enum class Timer : u8 { none, head, idle, write, drain, linger };
  enum class Drain : u8 { no, noticed, final };
  struct DeleteSession {
    void operator()(nghttp2_session* session) const { nghttp2_session_del(session); }
  };

  void on_timeout() override;

  // Receiving.
  void open_session();
  void read();
  void feed(std::string_view bytes);
  void discard_rest();

  // What the session says; http2_session.cc.
  void on_begin_frame(const nghttp2_frame_hd& frame);
  int on_begin_headers(const nghttp2_frame& frame);
  void on_header(std::string_view name, std::string_view value);
  void on_frame(const nghttp2_frame& frame);
  void on_data(StreamId stream, std::string_view bytes);
  void on_invalid_frame(int error);
  void on_frame_sent(const nghttp2_frame& frame);
  void on_stream_close(StreamId stream);
  Http2Stream* find(StreamId stream) const;
  void spend(Http2Budget& budget, Counter& counter);
  // Ends the connection with GOAWAY ENHANCE_YOUR_CALM.
  void calm(Counter& counter);
  void terminate(u32 error_code);

  // Sending; http2_send.cc. False: closed, or nothing more can be sent now.
  bool flush();
  bool gather(std::string& out);
  int append_data_frame(Http2Stream& stream, std::string_view head, size_t length);
  size_t send_now(std::string_view bytes);
  bool send(std::string_view bytes);
  bool send_unsent();
  bool give_turns();

  void update_timer();
  void arm(Timer timer);
  void say_last_stream();
  void begin_linger();
  void let_streams_go();
  void lost();  // the client is gone
  void close();

  State state_ = State::open;
  Timer timer_ = Timer::none;
  Drain drain_ = Drain::no;
  bool readable_ = true;
  bool writable_ = true;
  bool read_to_end_ = false;  // the client has shut its side: no further event will say so
  bool peer_closed_ = false;
  bool coming_back_ = false;
  bool turns_wanted_ = false;
  bool started_ = false;        // a first frame has come
  bool head_open_ = false;      // the fields of head_stream_ are arriving
  bool active_ = false;         // a head has begun since the timer was looked at
  bool made_progress_ = false;  // bytes were sent since then
  bool ending_ = false;         // GOAWAY with an error
  StreamId head_stream_ = 0;
  i64 head_began_ns_ = 0;
  i64 last_data_ns_ = 0;  // a DATA frame was sent
  i64 buffered_ = 0;
  u64 body_bytes_ = 0;
  i64 linger_bytes_ = 0;
  Http2Budget frames_;
  Http2Budget resets_;
  std::string unsent_;  // made and not taken by the socket
  size_t unsent_used_ = 0;
  std::unique_ptr<nghttp2_session, DeleteSession> session_;
  Http2Head head_;
  Http2Streams streams_;
  Http2Streams forgotten_;
};

}  // namespace labcoat::edge
