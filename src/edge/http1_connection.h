// Http1Connection: one client that speaks HTTP/1. A state machine: it reads a head, then a body,
// has its exchange answer the request, sends the answer, and begins again. One request at a time;
// what a pipelining client has sent ahead waits in `unread_` or in the kernel.
#pragma once

#include <memory>
#include <string>

#include "answer/response_head.h"
#include "clients/pace.h"
#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "edge/request_body.h"
#include "edge/socket_connection.h"
#include "http/chunked.h"
#include "http/request.h"

namespace labcoat::edge {

class Http1Connection final : public SocketConnection, public answer::ResponseSink {
 public:
  Http1Connection(EdgeThread& thread, net::Transport transport, const clients::Client& client);
  ~Http1Connection() override;

  // Watches the socket and begins with what somebody has read ahead.
  void start(std::string_view read_ahead);
  void on_events(u32 events) override;
  void resume() override;
  void drain() override;

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
  void give_way() override;  // goes on after the next batch of events
  void close_after() override { keep_alive_ = false; }

 private:
  enum class State : u8 {
    head,       // reading a request head, or idle before one
    body,       // reading a request body
    answering,  // the exchange has the request; of a WebSocket, all the time (`tunnel_`)
    sending,    // the whole response is in unsent_ and file_; nothing more will be added
    linger,     // response sent, our side shut; reading the rest so that the client gets to read
                // the response
    closed,
  };
  // A body that did not arrive together with its head.
  struct BodyReading {
    BodyReading(const config::Limits& limits, Counters& counters) : stored(limits, counters) {}
    std::string head;  // the request's head, parsed again when the body is complete
    http::ChunkedDecoder decoder;
    bool chunked = false;
    i64 left = 0;  // of content_length
    RequestBody stored;
    clients::Pace pace;
  };

  void on_timeout() override;

  // Reading. A step returns whether there may be more to do now.
  void advance();
  bool read_head();
  bool parse_head(std::string_view bytes, bool in_scratch);
  bool begins_http2(std::string_view bytes) const;
  void go_on_in_http2(std::string_view read_ahead);
  size_t begin_request(const http::RequestHead& head, std::string_view head_bytes,
                       std::string_view behind);
  size_t begin_body(const http::RequestHead& head, std::string_view head_bytes,
                    std::string_view behind);
  bool read_body();
  size_t take_body(std::string_view bytes);    // returns how many belonged to the body
  bool is_stored(RequestBody::Stored stored);  // false: the request was refused
  void body_complete();
  bool discard_rest();
  bool read_tunnel();
  // Receives into the thread's scratch; empty: nothing now (or the client closed, then
  // peer_closed_).
  std::string_view receive();
  std::string_view unread() const { return std::string_view(unread_).substr(unread_used_); }
  void use(size_t bytes);  // of unread_

  // Answering.
  void run(const http::RequestHead& head, const Body& body);
  // Answers and closes: the rest of what the client sends cannot be made sense of.
  void refuse(int status, std::string_view why);
  // Nothing is known of the request that is refused now; least of all what the one before was.
  void refuse_unknown(int status, std::string_view why);

  void let_exchange_go_on();

  // Sending.
  bool has_unsent() const { return unsent_.size() > unsent_used_ || file_left_ > 0; }
  net::Next next() const;  // behind what is sent now
  void push();             // sends the thread's output scratch; keeps what the socket does not take
  void push_with(std::string_view a, std::string_view b);
  bool flush();  // sends unsent_ and file_; true when nothing is left
  bool flush_file();
  bool send_failed();  // after a failed send: false, and lost() unless the socket is just full
  void keep_unsent(std::string_view bytes);
  void response_complete();
  void finish_response();  // everything is sent
  void begin_linger();
  void end_idle();
  void lost();  // the client is gone
  void close();

  State state_ = State::head;
  bool readable_ = false;
  bool peer_closed_ = false;
  bool writable_ = true;
  bool keep_alive_ = true;
  bool head_begun_ = false;
  bool answered_ = false;  // at least one request
  bool gave_way_ = false;
  bool underrun_ = false;  // the response is broken off
  bool tunnel_ = false;    // a WebSocket: what the client sends is the exchange's
  bool file_ends_chunk_ = false;
  answer::Framing framing_ = answer::Framing::none;  // of the response
  std::string trailers_;                             // field lines for its end
  i64 began_ns_ = 0;                                 // when the head that is being read began
  size_t head_scanned_ = 0;
  std::string unread_;  // received, not yet used
  size_t unread_used_ = 0;
  std::string unsent_;
  size_t unsent_used_ = 0;
  answer::SharedFile file_;  // follows unsent_
  i64 file_offset_ = 0;
  i64 file_left_ = 0;
  bool end_said_ = false;  // lingering: our side is shut
  i64 linger_bytes_ = 0;
  clients::Pace write_pace_;  // since the socket was full
  std::unique_ptr<BodyReading> body_;
  Exchange exchange_;
};

}  // namespace labcoat::edge
