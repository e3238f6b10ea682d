// From a whole request to the edge's own words or a file; apps are in exchange_app.cc.
#include "edge/exchange.h"

#include <algorithm>

#include "base/check.h"
#include "edge/answer_coder.h"
#include "edge/edge_thread.h"
#include "edge/https_rules.h"
#include "files/file_order.h"
#include "http/status.h"
#include "http/url.h"

namespace labcoat::edge {

Exchange::Exchange(EdgeThread& thread, const clients::Client& client, answer::ResponseSink& sink)
    : thread_(thread), client_(client), sink_(sink) {}

// Only at the end of the edge is a request left inside; at any other time its connection has said
// client_gone.
Exchange::~Exchange() {
  if (has_slot_) give_up_slot();
}

void Exchange::begin(i64 began_ns) {
  head_request_ = repeatable_ = repeated_ = false;
  head_sent_ = without_body_ = waiting_for_file_ = worker_dead_ = over_time_ = false;
  takes_trailers_ = false;
  hints_ = 0;
  minor_version_ = 1;
  body_left_ = -1;
  status_ = 0;
  began_ns_ = began_ns;
  queue_wait_ns_ = waited_before_ns_ = 0;
  bytes_out_ = 0;
  rule_ = nullptr;
  rules_.reset();
  asked_path_ = {};
  id_ = thread_.next_request_id();
  noted_ = false;
  route_ = worker_ = -1;
  enqueued_ns_ = service_ns_ = 0;
  kept_.reset();
  order_.reset();
  notes_.reset();
  forwarded_.reset();
  websocket_ask_ = 0;
  acceptance_.reset();
  socket_.reset();
}

void Exchange::run(const http::RequestHead& head, const Body& body) {
  std::vector<char>& buffer = thread_.path_buffer();
  const HttpsRules& https = thread_.rules()->https;
  if (https.lacks_certificate(client_)) {
    refuse(421, "certificates are required here by now: connect again");
    return;
  }
  const int https_port = https.redirects_to(*client_.listener);
  if (https_port != 0 && !client().is_https()) {
    redirect_to_https(head, https_port);
    return;
  }
  if (head.path == "*") {
    answer(200, "", "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    return;
  }
  CHECK(head.path.size() <= buffer.size());
  const ptrdiff_t length = http::normalize_path(head.path, buffer.data());
  if (length < 0) {
    thread_.count().bad_requests.add();
    refuse(400, "the path cannot be decoded");
    return;
  }
  std::string_view path(buffer.data(), static_cast<size_t>(length));
  if (client_.listener->admin && !head.connects_websocket) {
    answer_admin(path);
    return;
  }
  const routes::RouteQuery query{head, path, client().is_https(), routes::host_of(host(head))};
  rules_ = thread_.rules();
  const routes::Route* route = rules_->router.match(query);
  if (route == nullptr) {
    answer_unrouted(query);
    return;
  }
  route_ = route->index;
  // Anything below 300 would mean that the tunnel is open.
  if (head.connects_websocket && route->app < 0) {
    answer_status(501, "there is no WebSocket at this place");
    return;
  }
  if (is_over_rate(head)) return;
  if (begin_route(*route, head, path)) return;
  if (route->app >= 0) {
    give_to_app(head, path, body, static_cast<size_t>(route->app));
  } else {
    answer_with_static(head, path, *route);
  }
}

// Every response begins here, whoever made it.
void Exchange::begin_response(answer::Response& response) {
  head_sent_ = true;
  add_hsts(thread_.rules()->https, *client_.listener, response);
  change_headers(response);
  without_body_ = head_request_ || http::forbids_body(response.status);
  count_status(response.status);
  sink_.send_head(response);
}

void Exchange::redirect_to_https(const http::RequestHead& head, int port) {
  const std::string location = https_location(head, host(head), *client_.listener, port);
  answer(https_redirect_status(head.method), "this site speaks https: " + location + "\n",
         "Location: " + location + "\r\n");
}

void Exchange::answer_admin(std::string_view path) {
  const AdminPages::Page page = thread_.shared().admin->answer(path);
  answer(page.status, page.body, {}, page.content_type);
}

void Exchange::answer(int status, std::string_view text, std::string_view fields,
                      std::string_view content_type) {
  if (const routes::Route::ErrorPage* page = error_page(status); page != nullptr) {
    text = page->body;
    content_type = page->content_type;
  }
  std::string lines(fields);
  lines.append("Content-Type: ").append(content_type).append("\r\n");
  answer::Response& response = thread_.response();
  response.clear();
  response.status = status;
  response.body_bytes = static_cast<i64>(text.size());
  response.lines = lines;
  begin_response(response);
  if (!without_body_ && !text.empty()) {
    bytes_out_ = text.size();
    sink_.send_data(text, {});
  }
  sink_.end();
}

void Exchange::answer_status(int status, std::string_view why, std::string_view fields) {
  std::string text = std::to_string(status);
  text.append(" ").append(http::reason_phrase(status));
  if (!why.empty()) text.append(": ").append(why);
  answer(status, text.append("\n"), fields);
}

void Exchange::refuse(int status, std::string_view why) {
  sink_.close_after();
  answer_status(status, why);
}

void Exchange::client_shut() {
  if (has_slot_) thread_.port(app_).client_shut(slot_);
}

void Exchange::client_gone(u64 unsent_bytes) {
  disarm();
  pieces_.reset();
  coder_.reset();
  bytes_out_ -= std::min(bytes_out_, unsent_bytes);
  if (socket_) {
    socket_->client_lost();
    account();
    return;
  }
  thread_.count().clients_gone.add();
  if (has_slot_) {
    if (!thread_.port(app_).is_taken(slot_)) thread_.count().withdrawn.add();
    give_up_slot();
    status_ = 499;
  }
  account();
}

}  // namespace labcoat::edge
