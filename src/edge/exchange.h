// Exchange: one request and its answer, whatever protocol carries them. It routes the request, has
// it answered (by an app, by a file, by the edge itself), and gives the answer piece by piece to
// its sink. One after the other on an HTTP/1 connection, many at once on one of HTTP/2.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "answer/response.h"
#include "channel/edge_port.h"
#include "edge/app_line.h"
#include "edge/connection.h"
#include "edge/edge_rules.h"
#include "edge/request_body.h"
#include "edge/websocket.h"
#include "files/static_file.h"
#include "http/accept_encoding.h"
#include "http/request.h"
#include "logs/log_line.h"
#include "net/timeouts.h"
#include "routes/route.h"

namespace labcoat::files {
class FileOrder;
class KeptRequest;
}  // namespace labcoat::files

namespace labcoat::edge {

class AnswerCoder;
class EdgeThread;

class Exchange final : public LineMember {
 public:
  // All outlive it.
  Exchange(EdgeThread& thread, const clients::Client& client, answer::ResponseSink& sink);
  ~Exchange() override;

  // Forgets the last request. `began_ns`: when the first byte of this one was read.
  void begin(i64 began_ns);
  // A head has been read: what the access log and the framing of the answer need of it.
  void note(const http::RequestHead& head);
  // The request is whole: answers it. Not from within a call of the sink.
  void run(const http::RequestHead& head, const Body& body);

  // Answers with the edge's own words. `fields` are whole lines.
  void answer(int status, std::string_view text, std::string_view fields = {},
              std::string_view content_type = "text/plain; charset=utf-8");
  // "404 Not Found", or "503 Service Unavailable: why".
  void answer_status(int status, std::string_view why = {}, std::string_view fields = {});
  // The same with why; no further request is taken from this client.
  void refuse(int status, std::string_view why);

  // Room in the sink again, or its turn again.
  void go_on() { pieces_ ? send_pieces() : read_frames(); }
  // The client is gone, with so many bytes of the response not sent. Nothing more is said to the
  // sink.
  void client_gone(u64 unsent_bytes);
  // It has shut its side of the connection: an app that asks hears of it, its answer goes on.
  void client_shut();
  // The last byte of the answer is with the kernel.
  void sent() { account(); }

  // The app that has the request: there are frames, its worker died, or a file has arrived.
  void on_app_news();
  void on_worker_death();
  void on_file();

  // A WebSocket, once its head was sent (status 101; 200 over HTTP/2); exchange_websocket.cc.
  bool is_websocket() const { return socket_ != nullptr; }
  // What the client sends from then on, and whether it must be called again though nothing came.
  size_t take(std::string_view bytes) { return socket_->take(bytes); }
  bool holds_bytes() const { return socket_->holds_bytes(); }
  // The client sends no more, over HTTP/2.
  void client_ended();
  // The edge shuts down.
  void drain();
  // For its WebSocket.
  void send_tunnelled(std::string_view a, std::string_view b);
  void leave_worker() { give_up_slot(); }
  // Its worker wrote what no worker may write.
  void worker_corrupt();

  bool is_head_request() const { return head_request_; }
  // All of the length that the app announced is there, what is being sent included.
  bool body_is_complete() const { return body_left_ == 0; }
  int minor_version() const { return minor_version_; }
  // The client has said that it reads trailers, and whoever stands between us and it.
  bool takes_trailers() const { return takes_trailers_; }
  // An app has the request, or it waits for one.
  bool is_with_app() const { return has_slot_; }
  // No worker has begun with it.
  bool is_waiting() const;
  u64 id() const { return id_; }

 private:
  void on_timeout() override;

  void give_to_app(const http::RequestHead& head, std::string_view path, const Body& body,
                   size_t app);
  void refuse_entry(AppLine::Entry entry);
  void answer_busy(std::string_view why);
  bool is_over_time() const;
  bool write_request(u32 slot, const http::RequestHead& head, std::string_view path,
                     const Body& body);
  void answer_with_static(const http::RequestHead& head, std::string_view path,
                          const routes::Route& route);
  void send_pieces();
  void answer_admin(std::string_view path);
  // exchange_route.cc
  // `stars` is filled and pointed into.
  routes::TemplateFacts facts_of(const routes::Route& route, const http::RequestHead& head,
                                 std::string_view path, http::Pattern::Stars& stars) const;
  bool begin_route(const routes::Route& route, const http::RequestHead& head,
                   std::string_view& path);
  void answer_redirect(const routes::Route& route, const http::RequestHead& head,
                       std::string_view path);
  void answer_unrouted(const routes::RouteQuery& query);
  const routes::Route::ErrorPage* error_page(int status) const;
  bool replaces_answer_of_app(int status) const;
  void change_headers(answer::Response& response);
  bool app_must_not_see(std::string_view name) const;
  bool write_route_fields(const http::RequestHead& head, channel::RequestWriter& writer) const;

  void begin_response(answer::Response& response);
  void redirect_to_https(const http::RequestHead& head, int port);

  // Of an answer that is several parts of a file: those that are still to be sent.
  struct Pieces {
    std::vector<files::FilePiece> all;
    size_t next = 0;
  };

  // exchange_coding.cc
  void choose_coding(const http::RequestHead& head);
  void begin_coding(answer::Response& response, std::string& text);
  bool send_body(std::string_view data, std::string_view more);
  bool send_coded(std::string_view out);
  bool send_coded_file();
  void drop_answer();
  // exchange_file_order.cc
  bool may_order_files() const;
  bool take_file_order(const answer::Response& response);
  void fill_file_order();
  const routes::Route* internal_route(const http::RequestHead& request, std::string_view value,
                                      std::string_view& path);
  void refuse_file_order(const files::FileOrder& order, int status, std::string_view why);
  void send_static(answer::Response& response, files::StaticAnswer& file);

  void read_frames();
  bool put_hints(const channel::EdgePort::Head& head);
  bool put_head(const channel::EdgePort::Head& head);
  bool put_trailers(const channel::EdgePort::Head& head);
  bool put_data(const channel::EdgePort::Frame& frame);
  bool put_accept(const channel::EdgePort::Head& head);
  bool put_message(const channel::EdgePort::Frame& frame);
  bool put_close(const channel::EdgePort::Close& close);
  void read_ask(const http::RequestHead& head);
  bool put_file();  // false: the descriptor has not arrived
  void end_of_frames(channel::EdgePort::Output how);
  void no_frames_left();
  void let_go_of_slot();
  void give_up_slot();
  void drop_body_file();
  void fail_app_request(int status, std::string_view why);

  void count_status(int status);
  // The host that the client asked for, with its port: a proxy may have asked for another one.
  std::string_view host(const http::RequestHead& head) const;
  // Whose request it is, though a proxy may have brought it.
  const clients::Client& client() const { return forwarded_ ? forwarded_->client : client_; }
  i64 waited_in_proxies(const http::RequestHead& head) const;
  bool is_over_rate(const http::RequestHead& head);
  std::string_view protocol() const;
  void account();

  EdgeThread& thread_;
  const clients::Client& client_;
  answer::ResponseSink& sink_;

  size_t app_ = 0;
  bool has_slot_ = false;
  bool has_body_file_ = false;  // its slot is in BodyFiles
  bool head_request_ = false;
  bool repeatable_ = false;  // safe to give to another worker
  bool repeated_ = false;
  bool head_sent_ = false;
  bool without_body_ = false;  // the request or the status forbids one
  bool waiting_for_file_ = false;
  bool worker_dead_ = false;
  bool takes_trailers_ = false;
  u8 hints_ = 0;            // sent
  bool over_time_ = false;  // and the request had had its time
  int minor_version_ = 1;
  i64 body_left_ = -1;  // of the announced length; -1: none announced
  channel::FileSpan span_;
  std::unique_ptr<Pieces> pieces_;
  http::ContentCoding coding_ = http::ContentCoding::identity;  // that the client likes best
  std::unique_ptr<AnswerCoder> coder_;                          // or none
  int status_ = 0;
  i64 began_ns_ = 0;
  i64 queue_wait_ns_ = 0;     // for a worker
  i64 waited_before_ns_ = 0;  // in front of us, as a trusted proxy says
  u64 id_ = 0;
  u64 bytes_out_ = 0;
  std::shared_ptr<const EdgeRules> rules_;  // that this request goes by, from run() to account()
  const routes::Route* rule_ = nullptr;     // the route that answers, once it is known
  std::string_view asked_path_;             // normalised, before a rewrite; only valid within run()
  bool noted_ = false;                      // a head has been read
  int route_ = -1;                          // of Router; -1: none
  int worker_ = -1;                         // its endpoint; -1: none
  i64 service_ns_ = 0;                      // with the worker
  std::unique_ptr<files::KeptRequest> kept_;  // where an app may name a file
  std::unique_ptr<files::FileOrder> order_;   // it has done so; or none
  std::unique_ptr<logs::LogNotes> notes_;
  std::unique_ptr<clients::ForwardedClient> forwarded_;  // or none
  // Of a request that asks for a WebSocket, as RequestInfo::websocket; and how it is accepted.
  struct Acceptance {
    std::string lines;  // of the response's head
    std::optional<http::DeflateAgreement> deflate;
  };
  u32 websocket_ask_ = 0;
  std::unique_ptr<Acceptance> acceptance_;
  std::unique_ptr<WebSocket> socket_;
};

}  // namespace labcoat::edge
