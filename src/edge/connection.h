// Connection: one client, HTTP/1. A state machine: it reads a head, then a body, has the request
// answered (by an app, by a file, by the edge itself), sends the answer, and begins again. One
// request at a time; what a pipelining client has sent ahead waits in `unread_` or in the kernel.
#pragma once

#include <memory>
#include <string>

#include "edge/edge_thread.h"
#include "edge/response_head.h"
#include "edge/static_file.h"
#include "edge/timeouts.h"
#include "http/chunked.h"
#include "http/request.h"
#include "net/loop.h"

namespace labcoat::edge {

class Connection final : public net::Watcher, public Timeout {
 public:
  Connection(EdgeThread& thread, Fd socket, const sockaddr_storage& peer,
             const ListenerInfo& listener);
  ~Connection() override;

  // Watches the socket and reads what is there already.
  void start();
  void on_events(u32 events) override;

  // Goes on with what it put off by EdgeThread::come_back.
  void resume();

  // The app that has this connection's request: there are frames, its worker died, or a file has
  // arrived.
  void on_app_news();
  void on_worker_death();
  void on_file();
  bool waits_for(size_t app, u32 slot, u32 generation) const;

  bool is_admin() const { return listener_.admin; }

  // Shutting down: no further request. Idle connections go at once.
  void drain();

 private:
  enum class State : u8 {
    head,     // reading a request head, or idle before one
    body,     // reading a request body
    app,      // an app has the request
    sending,  // the whole response is in unsent_ and file_; nothing more will be added
    linger,   // response sent, our side shut; reading the rest so that the client gets to read the
              // response
    closed,
  };
  // A body that did not arrive together with its head.
  struct BodyReading {
    std::string head;  // the request's head, parsed again when the body is complete
    http::ChunkedDecoder decoder;
    bool chunked = false;
    i64 left = 0;  // of content_length
    std::string memory;
    std::shared_ptr<Fd> file;  // once it is larger than limits.body_memory
    i64 bytes = 0;
  };
  // The request being answered.
  struct Answering {
    size_t app = 0;
    u32 slot = 0;
    bool has_slot = false;
    bool head_request = false;
    bool repeatable = false;  // safe to give to another worker
    bool repeated = false;
    bool head_sent = false;
    bool waiting_for_file = false;
    bool worker_dead = false;
    bool underrun = false;
    int minor_version = 1;
    Framing framing = Framing::none;
    i64 body_left = -1;  // of content_length
    u64 file_number = 0;
    channel::FileSpan span;
    int status = 0;
    i64 began_ns = 0;
    i64 queue_wait_ns = 0;
    u64 id = 0;
    u64 bytes_out = 0;
    // Quoted, when there is an access log: "GET /x HTTP/1.1", and "referer" "agent".
    std::string log_request;
    std::string log_fields;
  };

  void on_timeout() override;

  // Reading. A step returns whether there may be more to do now.
  void advance();
  bool read_head();
  bool parse_head(std::string_view bytes, bool in_scratch);
  size_t begin_request(const http::RequestHead& head, std::string_view head_bytes,
                       std::string_view behind);
  size_t begin_body(const http::RequestHead& head, std::string_view head_bytes,
                    std::string_view behind);
  bool read_body();
  size_t take_body(std::string_view bytes);  // returns how many belonged to the body
  bool store_body(std::string_view piece);
  bool write_body();
  void body_complete();
  bool discard_rest();
  void give_way();  // goes on after the next batch of events
  // Receives into the thread's scratch; empty: nothing now (or the client closed, then
  // peer_closed_).
  std::string_view receive();
  std::string_view unread() const { return std::string_view(unread_).substr(unread_used_); }
  void use(size_t bytes);  // of unread_

  // Answering.
  struct Body {
    std::string_view memory;
    std::shared_ptr<Fd> file;
    i64 bytes = 0;
  };
  void dispatch(const http::RequestHead& head, const Body& body);
  void give_to_app(const http::RequestHead& head, std::string_view path, const Body& body,
                   size_t app);
  bool write_request(u32 slot, const http::RequestHead& head, std::string_view path,
                     const Body& body);
  void answer_with_static(const http::RequestHead& head, std::string_view path, const Route& route);
  void answer_admin(std::string_view path);
  void answer_self(int status, std::string_view text, std::string_view fields = {},
                   std::string_view content_type = "text/plain; charset=utf-8");
  // Answers and closes: the rest of what the client sends cannot be made sense of.
  void refuse(int status, std::string_view why);
  void note_request(const http::RequestHead& head);
  // Nothing is known of the request that is refused now; least of all what the one before was.
  void forget_request();
  // App responses.
  void read_frames();
  bool put_head(const channel::EdgePort::Head& head, std::string& out);
  bool put_data(const channel::EdgePort::Frame& frame, std::string& out);
  bool put_file(std::string& out);  // false: the descriptor has not arrived
  void end_of_frames(channel::EdgePort::Output how, std::string& out);
  void no_frames_left();
  void let_go_of_slot();
  void fail_app_request(int status, std::string_view why);

  // Sending.
  bool output_full() const;
  void push(std::string& out);  // sends `out` and empties it; keeps what the socket does not take
  void push_pieces(std::string& out, std::string_view a, std::string_view b);
  bool flush();  // sends unsent_ and file_; true when nothing is left
  bool send_file();
  bool send_failed();  // after a failed send: false, and lost() unless the socket is just full
  void keep_unsent(std::string_view bytes);
  void response_complete();
  void finish_response();  // everything is sent
  void begin_linger();
  void lost();  // the client is gone
  void close();
  void count_status(int status);
  void write_log_line();
  ResponseContext context();

  EdgeThread& thread_;
  Fd socket_;
  const ListenerInfo& listener_;
  State state_ = State::head;
  bool readable_ = false;
  bool peer_closed_ = false;
  bool writable_ = true;
  bool keep_alive_ = true;
  bool head_begun_ = false;
  bool answered_ = false;  // at least one request
  bool gave_way_ = false;
  u16 remote_port_ = 0;
  std::string remote_address_;
  std::string unread_;  // received, not yet used
  size_t unread_used_ = 0;
  size_t head_scanned_ = 0;
  std::string unsent_;
  size_t unsent_used_ = 0;
  Fd file_;  // follows unsent_
  i64 file_offset_ = 0;
  i64 file_left_ = 0;
  bool file_ends_chunk_ = false;
  i64 linger_bytes_ = 0;
  std::unique_ptr<BodyReading> body_;
  Answering answering_;
};

}  // namespace labcoat::edge
