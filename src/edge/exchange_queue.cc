// How an Exchange gets into the line of an app, and what becomes of it there: no worker in time, or
// one that died.
#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "files/file_order.h"
#include "http/framing.h"

namespace labcoat::edge {
namespace {

// RFC 9110 section 9.2.1: the client asked for nothing to be changed, so asking twice changes
// nothing either.
bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

// RFC 9110 section 10.1.4: "TE: trailers" among others.
bool names_trailers(const http::RequestHead& head) {
  const http::Field* const te = head.find("te");
  std::string_view list = te == nullptr ? std::string_view() : te->value;
  while (!list.empty()) {
    if (http::same_name(http::next_element(list), "trailers")) return true;
  }
  return false;
}

}  // namespace

void Exchange::give_to_app(const http::RequestHead& head, std::string_view path, const Body& body,
                           size_t app) {
  AppLine& line = thread_.line(app);
  app_ = app;
  read_ask(head);
  using Use = channel::EdgePort::Use;
  const AppLine::Entry entry = line.enter(*this, this, *rule_, body.bytes,
                                          websocket_ask_ == 101 ? Use::socket : Use::request);
  if (entry != AppLine::Entry::yes) {
    refuse_entry(entry);
    return;
  }
  if (!write_request(slot_, head, path, body)) {
    line.leave(*this);
    thread_.count().limit_request_head.add();
    refuse(431, "the request does not fit into a slot of the channel");
    return;
  }
  has_slot_ = true;
  repeatable_ = is_safe(head.method);
  choose_coding(head);
  takes_trailers_ = head.major_version == 1 && names_trailers(head);
  if (may_order_files()) kept_ = std::make_unique<files::KeptRequest>(head, host(head));
  if (body.file) {
    has_body_file_ = true;
    thread_.shared().body_files[app]->put(slot_, line.port().generation(slot_), body.file);
  }
  line.line_up(*this, thread_.now());
}

void Exchange::refuse_entry(AppLine::Entry entry) {
  Counters& count = thread_.count();
  switch (entry) {
    case AppLine::Entry::bytes_full:
      count.limit_queue_bytes.add();
      answer_busy("too many bytes of requests are waiting\n");
      return;
    case AppLine::Entry::route_full:
      count.limit_route_waiting.add();
      answer_busy("too many requests of this kind are waiting\n");
      return;
    case AppLine::Entry::sockets_full:
      count.limit_websockets.add();
      answer_busy("too many WebSockets are open\n");
      return;
    case AppLine::Entry::yes:
    case AppLine::Entry::queue_full:
      count.limit_queue.add();
      answer_busy("too many requests are waiting\n");
  }
}

void Exchange::answer_busy(std::string_view why) {
  const i64 retry_after = thread_.line(app_).retry_after(thread_.now(), id_);
  answer(503, why, "Retry-After: " + std::to_string(retry_after) + "\r\n");
}

void Exchange::on_timeout() {
  if (!has_slot_) return;
  if (waiting_for_file_) {
    give_up_slot();
    sink_.break_off();
    sink_.settle();
    return;
  }
  AppLine& line = thread_.line(app_);
  if (!line.withdraw(*this)) return;  // a worker has it
  has_slot_ = false;
  drop_body_file();
  const bool shed = line.was_shed(*this, thread_.now());
  (shed ? thread_.count().limit_shed_wait : thread_.count().limit_queue_wait).add();
  answer_busy("no worker was free in time\n");
  sink_.settle();
}

// It may be what its worker died of: the supervisor ends workers by request_timeout. Others that
// the same worker had are innocent.
bool Exchange::is_over_time() const {
  const i64 limit = thread_.shared().config->apps[app_].request_timeout_ns;
  if (limit == 0) return false;
  return thread_.now() - enqueued_ns_ - thread_.port(app_).queue_wait_ns(slot_) >= limit;
}

void Exchange::on_worker_death() {
  worker_dead_ = true;
  over_time_ = is_over_time();
  const bool untouched = !head_sent_ && !waiting_for_file_;
  // A complete answer it has left behind is as good as from a living one; a part of one is not even
  // begun.
  AppLine& line = thread_.line(app_);
  if (!untouched || line.port().has_ended(slot_) || !repeatable_ || repeated_ || over_time_) {
    read_frames();
    sink_.settle();
    return;
  }
  repeated_ = true;
  order_.reset();
  worker_dead_ = false;
  thread_.count().repeated.add();
  thread_.forget_files(app_, slot_);
  // The body is the same, under the name that the request will have.
  BodyFiles& files = *thread_.shared().body_files[app_];
  const u32 generation = line.port().generation(slot_);
  if (auto file = files.find(slot_, generation)) {
    files.put(slot_, generation + 1, std::move(file));
  }
  line.line_up_again(*this, thread_.now());
}

}  // namespace labcoat::edge
