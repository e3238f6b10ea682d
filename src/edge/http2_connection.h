// Http2Connection: one client that speaks HTTP/2. An http2::Session holds the protocol's state;
// this is what stands between it, the socket, and the streams: it feeds the session with what
// arrives, gathers what the session has to say into the thread's output scratch, once for a batch
// of events, and sends it at once. DATA frames are made only when the socket takes them, so that
// priorities (RFC 9218) decide at the last moment, and a slow client holds little memory. It also
// counts what a client does that costs us more than it, and ends the connection when it is too
// much.
#pragma once

#include <optional>
#include <string>

#include "edge/edge_thread.h"
#include "edge/http2_budget.h"
#include "edge/http2_head.h"
#include "edge/http2_stream.h"
#include "edge/socket_connection.h"
#include "http2/session.h"

namespace labcoat::edge {

class Http2Connection final : public SocketConnection,
                              private http2::SessionEvents,
                              private http2::FieldSink {
 public:
  Http2Connection(EdgeThread& thread, net::Transport transport, const clients::Client& client);
  ~Http2Connection() override;

  // Watches the socket and begins with what somebody has read ahead, the preface included.
  void start(std::string_view read_ahead);
  void on_events(u32 events) override;
  void resume() override;
  void drain() override;

  // For its streams.
  void submit_head(Http2Stream& stream, const answer::Response& response, bool head_request);
  void submit_continue(Http2Stream& stream);
  void submit_hints(Http2Stream& stream, const answer::Response& response);
  void submit_trailers(Http2Stream& stream,
                       const std::vector<std::pair<std::string, std::string>>& trailers);
  // As of http2::Session.
  void wake(Http2Stream& stream) { session_->wake(stream); }
  void finish(Http2Stream& stream) { session_->finish(stream); }
  void reset(Http2Stream& stream, http2::ErrorCode code) { session_->reset(stream, code); }
  void reopen_window(Http2Stream& stream, size_t bytes) { session_->consume(stream, bytes); }
  // Of its body so many bytes have gone into a frame.
  void note_data(size_t bytes);
  // Bytes of bodies given to the client, of all streams.
  u64 body_bytes() const { return body_bytes_; }
  // Its client takes less than limits.write_rate_min.
  void drop_slow(Http2Stream& stream);
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
  enum class State : u8 { open, linger, closed };
  enum class Timer : u8 { none, head, idle, write, drain, linger };
  enum class Drain : u8 { no, noticed, final };

  void on_timeout() override;

  // Receiving.
  void open_session();
  void read();
  bool hears() const;
  void discard_rest();

  // What the session says; http2_session.cc.
  void on_frame(const http2::FrameHead& frame) override;
  void on_empty_data() override;
  void on_endless_head() override;
  http2::FieldSink& begin_fields(bool trailers) override;
  bool on_field(std::string_view name, std::string_view value) override;
  http2::Stream& open(http2::StreamId id) override;
  void on_request(http2::Stream& stream, bool end_of_request) override;
  bool on_data(http2::Stream& stream, std::string_view bytes) override;
  bool on_trailers(http2::Stream& stream) override;
  void on_end_of_request(http2::Stream& stream) override;
  void on_reset_heard() override;
  void on_reset_said(http2::ErrorCode code) override;
  void on_pong() override;
  void on_fault(http2::Fault fault) override;
  void on_closed(http2::Stream& stream) override;
  void spend(Http2Budget& budget, Counter& counter);
  // Ends the connection with GOAWAY ENHANCE_YOUR_CALM.
  void calm(Counter& counter);
  void terminate(http2::ErrorCode code);

  // Sending; http2_send.cc. False: closed, or nothing more can be sent now.
  bool flush();
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
  bool active_ = false;         // a head has begun since the timer was looked at
  bool made_progress_ = false;  // bytes were sent since then
  bool ending_ = false;         // GOAWAY with an error
  i64 head_began_ns_ = 0;
  i64 last_data_ns_ = 0;  // a DATA frame was sent
  i64 buffered_ = 0;
  u64 body_bytes_ = 0;
  i64 linger_bytes_ = 0;
  u32 streams_max_ = 0;  // what the client was told
  Http2Budget frames_;
  Http2Budget resets_;
  std::string unsent_;  // made and not taken by the socket
  size_t unsent_used_ = 0;
  std::optional<http2::Session> session_;  // while the connection is open
  Http2Head head_;
  Http2Streams streams_;
  Http2Streams forgotten_;
};

}  // namespace labcoat::edge
