// Http2Stream: one request and its answer on an HTTP/2 connection. It takes the request from the
// connection, has its exchange answer, and holds what the client's windows do not let through yet,
// up to a bound. It ends when the session closes the stream (Http2Connection::on_closed).
#pragma once

#include <list>
#include <memory>
#include <string>

#include "answer/response.h"
#include "base/block_pool.h"
#include "clients/pace.h"
#include "edge/exchange.h"
#include "edge/http2_head.h"
#include "edge/request_body.h"
#include "http2/stream.h"
#include "net/timeouts.h"

namespace labcoat::edge {

class Http2Connection;
class Http2Stream;
using Http2Streams = std::list<Http2Stream, PoolAllocator<Http2Stream>>;

class Http2Stream final : public http2::Stream, public answer::ResponseSink, public net::Timeout {
 public:
  Http2Stream(Http2Connection& connection, EdgeThread& thread, const clients::Client& client,
              http2::StreamId id);
  ~Http2Stream() override;

  // The request. `head` is the connection's, which is used for the next stream afterwards.
  void take_head(Http2Head& head, bool end_of_request, i64 began_ns);
  // False: the bytes are not wanted any more.
  bool take_data(std::string_view bytes);
  void end_of_request();

  // The answer, for the session.
  Fill fill(size_t room, std::string& out) override;
  void write_trailers() override;
  // The session has closed the stream. Whether this object can go; otherwise its exchange is not at
  // the end of a response without a body, and Http2Connection::forget follows.
  bool closed();
  // The client is gone, with all its streams.
  void connection_lost();
  // The connection goes away as soon as its streams have.
  void drain() { exchange_.drain(); }

  // Whether the exchange waits to be asked for more; and asks, if there is room. False: there was
  // none.
  bool wants_turn() const { return wants_turn_; }
  bool take_turn();
  // Its client is given limits.write_timeout once more.
  void wait_on();
  // The bytes of its response held in memory.
  size_t buffered() const { return buffer_.size() - buffer_used_; }

  // As ResponseSink; for its exchange.
  void send_hints(const answer::Response& response) override;
  void send_head(const answer::Response& response) override;
  void send_data(std::string_view a, std::string_view b) override;
  void send_file(answer::SharedFile file, i64 offset, i64 bytes) override;
  void send_trailers(const answer::Response& response) override;
  void end() override;
  void break_off() override;
  bool wants_more() override;
  void settle() override;
  void give_way() override;
  void close_after() override {}  // a stream says nothing of the next one

  Http2Streams::iterator place;  // in the connection's list

 private:
  enum class State : u8 {
    head,       // reading the request's head
    body,       // reading its body
    answering,  // the exchange has the request
    ended,      // the answer is complete, or broken off; its bytes are on their way
  };
  // A body that did not come with its head.
  struct BodyReading {
    BodyReading(const config::Limits& limits, Counters& counters) : stored(limits, counters) {}
    Http2Head head;
    RequestBody stored;
    clients::Pace pace;
  };

  void on_timeout() override;
  void feed_tunnel();
  void begin_body(Http2Head& head, const http::RequestHead& request);
  void refuse(int status, std::string_view why);
  bool is_stored(RequestBody::Stored stored);
  bool is_too_slow(size_t frame_bytes) const;
  i64 unsent() const { return static_cast<i64>(buffered()) + file_left_; }
  bool append_payload(size_t bytes, std::string& out);
  void note_unsent();  // there is something to send
  void begin_waiting(i64 window);
  void forgive_waiting();
  void say_end();  // as soon as everything is sent

  Http2Connection& connection_;
  EdgeThread& thread_;
  State state_ = State::head;
  bool request_whole_ = false;
  bool broken_ = false;      // the answer is broken off
  bool wants_turn_ = false;  // the exchange waits for room, or for its turn
  bool gave_way_ = false;    // it is the latter
  bool detached_ = false;    // closed before the exchange was at its end
  bool connects_ = false;    // asks for a WebSocket: what follows its head is no body
  std::string tunnelled_;    // of that, what was not used yet: the worker or the client is behind
  std::basic_string<char, std::char_traits<char>, PoolAllocator<char>> buffer_;
  size_t buffer_used_ = 0;
  answer::SharedFile file_;  // follows the buffer
  i64 file_asked_ns_ = 0;    // whether it is as told
  i64 file_offset_ = 0;
  i64 file_left_ = 0;
  clients::Pace write_pace_;  // while the client has not taken all there is
  u64 connection_had_ = 0;    // bytes of bodies on the connection when that began
  // Since its last frame.
  i64 waits_since_ns_ = 0;
  u64 connection_had_then_ = 0;
  bool waits_for_turn_ = false;  // its own window is open
  std::unique_ptr<BodyReading> body_;
  std::vector<std::pair<std::string, std::string>> trailers_;
  Exchange exchange_;
};

}  // namespace labcoat::edge
