// An app's part of an Exchange: the request into a slot of the channel, the frames out of it. How
// it waits in between is in exchange_queue.cc.
#include <algorithm>
#include <utility>

#include "answer/response_head.h"
#include "edge/answer_coder.h"
#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "edge/https_rules.h"
#include "files/file_order.h"

namespace labcoat::edge {
namespace {

using Output = channel::EdgePort::Output;

constexpr int frames_per_turn = 32;
// An app that sends more of them is not heard; over HTTP/2 they would wait without a bound.
constexpr u8 hints_max = 16;

// Fields the app must not see: how this hop framed the message (undone by now), and `Proxy`, which
// CGI naming would turn into the environment variable HTTP_PROXY.
bool hidden_from_app(std::string_view name) {
  switch (name.size()) {
    case 5:
      return http::same_name(name, "proxy");
    case 6:
      return http::same_name(name, "expect");
    case 14:
      return http::same_name(name, "content-length");
    case 17:
      return http::same_name(name, "transfer-encoding");
    default:
      return false;
  }
}

}  // namespace

bool Exchange::write_request(u32 slot, const http::RequestHead& head, std::string_view path,
                             const Body& body) {
  channel::EdgePort& port = thread_.port(app_);
  channel::RequestInfo& info = port.info(slot);
  const i64 wait = thread_.rules()->config.limits.queue_wait_ns;
  info.id = id_;
  info.received_ns = began_ns_;
  info.waited_before_ns = waited_before_ns_ = waited_in_proxies(head);
  info.enqueued_ns = thread_.now();
  info.deadline_ns = thread_.now() + wait;
  info.flags = 0;
  info.websocket = websocket_ask_;
  if (client().is_https()) info.flags |= channel::request_https;
  if (head.minor_version == 0) info.flags |= channel::request_http10;
  if (head.major_version == 2) info.flags |= channel::request_http2;
  if (body.file) info.flags |= channel::request_body_in_file;
  info.server_port = client_.listener->port;
  info.remote_port = client().port;
  channel::RequestWriter writer = port.write(slot);
  if (!writer.text({.method = head.method,
                    .target = head.target,
                    .path = path,
                    .query = head.query,
                    .server_name = client_.listener->server_name,
                    .remote_address = client().address,
                    .script_name_bytes = rule_->script_name_bytes(path)})) {
    return false;
  }
  const clients::TrustedProxies& proxies = rules_->proxies;
  const std::string_view host = this->host(head);
  const bool other_host = host.data() != head.host.data();
  for (size_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    if (proxies.hides(field.name, client_.trusted)) continue;
    if (hidden_from_app(field.name) || app_must_not_see(field.name)) continue;
    // RFC 9112 section 3.2.2: a target in absolute form overrules the Host field.
    const bool overruled =
        (other_host || !head.target.starts_with('/')) && http::same_name(field.name, "host");
    // "X_Real_IP" and "X-Real-IP" would be one and the same name to the app: only the second may
    // pass.
    if (field.name.find('_') != field.name.npos) {
      thread_.count().underscore_fields.add();
      continue;
    }
    if (!writer.field(field.name, overruled ? host : field.value)) return false;
  }
  if (!write_client_certificate(rules_->https, client_, writer)) return false;
  if (!write_route_fields(head, writer)) return false;
  writer.begin_body();
  if (body.file) {
    info.body_bytes = body.bytes;
    return true;
  }
  return writer.body(body.memory);
}

bool Exchange::is_waiting() const {
  return has_slot_ && !head_sent_ && !thread_.port(app_).is_taken(slot_);
}

void Exchange::on_app_news() {
  read_frames();
  sink_.settle();
}

void Exchange::on_file() {
  if (!waiting_for_file_) return;
  read_frames();
  sink_.settle();
}

// Takes what the worker has published and passes it on.
void Exchange::read_frames() {
  channel::EdgePort& port = thread_.port(app_);
  channel::EdgePort::Frame frame;
  int frames = 0;
  while (has_slot_ && sink_.wants_more()) {
    // A fast worker and a fast client together could keep this loop, and the thread, for ever.
    if (frames++ == frames_per_turn) {
      sink_.give_way();
      break;
    }
    if (coder_ && coder_->has_file()) {
      if (!send_coded_file()) break;
      continue;
    }
    if (waiting_for_file_) {
      if (!put_file()) break;
      continue;
    }
    port.next(slot_, frame);
    if (frame.kind == Output::nothing_yet) {
      // What there is of the answer is not kept waiting for the rest.
      if (coder_ && !send_coded(coder_->flush())) break;
      if (has_slot_) no_frames_left();
      break;
    }
    if (frame.kind == Output::hints && put_hints(frame.head)) continue;
    if (frame.kind == Output::head && put_head(frame.head)) continue;
    if (frame.kind == Output::trailers && put_trailers(frame.head)) continue;
    if (frame.kind == Output::data && put_data(frame)) continue;
    if (frame.kind == Output::accept && put_accept(frame.head)) continue;
    if (frame.kind == Output::message && put_message(frame)) continue;
    if (frame.kind == Output::close && put_close(frame.close)) continue;
    // Instead of what an app sends that has named a file, that file is sent.
    if (frame.kind == Output::file && order_) continue;
    if (frame.kind == Output::file && head_sent_ && !socket_) {
      waiting_for_file_ = true;
      span_ = frame.file;
      thread_.write_timeouts.arm(*this, thread_.now());  // should the descriptor never arrive
      continue;
    }
    end_of_frames(frame.kind);
  }
}

// False: they break the rules, or come too late.
bool Exchange::put_hints(const channel::EdgePort::Head& head) {
  const char* why = "";
  answer::Response& response = thread_.response();
  if (head_sent_ || order_ || !answer::read_app_hints(head, response, why)) return false;
  // A client of HTTP/1.0 would take it for the answer (RFC 9110 section 15.2).
  const bool understood = client_.http2 || minor_version_ > 0;
  if (!understood || response.fields.empty() || hints_ == hints_max) return true;
  ++hints_;
  thread_.count().early_hints.add();
  sink_.send_hints(response);
  return true;
}

// False: they break the rules, or there is no body that they could follow.
bool Exchange::put_trailers(const channel::EdgePort::Head& head) {
  const char* why = "";
  answer::Response& response = thread_.response();
  if ((!head_sent_ && !order_) || !answer::read_app_trailers(head, response, why)) return false;
  if (order_ || without_body_ || response.fields.empty()) return true;
  // What they say may be about the whole body.
  if (coder_ && !send_coded(coder_->end())) return true;
  coder_.reset();
  if (has_slot_) sink_.send_trailers(response);
  return true;
}

// False: the head breaks the rules, or is the second one.
bool Exchange::put_head(const channel::EdgePort::Head& head) {
  const char* why = "";
  answer::Response& response = thread_.response();
  if (head_sent_ || order_ || !answer::read_app_head(head, response, why)) return false;
  // Its worker's word, and by our clock, too.
  if (head.status == 504 && is_over_time()) thread_.count().timeout_request.add();
  if (client_.http2 && websocket_ask_ != 0 && head.status < 300) {
    // To the client that would mean that the tunnel is open.
    give_up_slot();
    answer_status(501, "the app does not speak WebSocket");
    return true;
  }
  if (replaces_answer_of_app(head.status)) {
    const int status = head.status;
    give_up_slot();
    answer_status(status);
    return true;
  }
  if (take_file_order(response)) return true;
  std::string tag;
  begin_coding(response, tag);
  // RFC 9110 section 15.5.22.
  const bool upgrade = head.status == 426 && websocket_ask_ == 426 && !client_.http2;
  if (upgrade) response.lines = "Upgrade: websocket\r\nConnection: Upgrade\r\n";
  begin_response(response);
  // What is not to be sent needs no counting.
  body_left_ = without_body_ ? -1 : head.body_bytes;
  return true;
}

// False: there was no head before it.
bool Exchange::put_data(const channel::EdgePort::Frame& frame) {
  if ((!head_sent_ && !order_) || socket_) return false;
  const size_t all = frame.data.size() + frame.more.size();
  std::string_view data = frame.data, more = frame.more;
  if (without_body_ || order_) {
    data = more = {};
  } else if (body_left_ >= 0) {
    // More than was announced would be read as the next response.
    const auto left = static_cast<size_t>(body_left_);
    data = data.substr(0, left);
    more = more.substr(0, left - data.size());
    body_left_ -= static_cast<i64>(data.size() + more.size());
  }
  if (!send_body(data, more)) return true;
  // Otherwise the client is gone and the slot given up.
  if (has_slot_ && all > 0) thread_.port(app_).consumed(slot_, all);
  return true;
}

bool Exchange::put_file() {
  channel::EdgePort& port = thread_.port(app_);
  Fd file;
  if (!thread_.take_file(app_, slot_, port.generation(slot_), span_.number, file)) {
    if (worker_dead_) no_frames_left();
    return false;
  }
  waiting_for_file_ = false;
  disarm();
  if (!file) {
    // It was sent, but this process had no descriptor left to receive it with.
    // The worker may write on: the slot is its own until it has noticed.
    thread_.count().limit_descriptors.add();
    drop_answer();
    return false;
  }
  if (without_body_) return true;
  i64 bytes = span_.bytes;
  if (body_left_ >= 0) {
    bytes = std::min(bytes, body_left_);
    body_left_ -= bytes;
  }
  if (bytes == 0) return true;
  if (coder_) {
    coder_->begin_file(std::move(file), span_.offset, bytes);
    return true;
  }
  bytes_out_ += static_cast<u64>(bytes);
  sink_.send_file(std::make_shared<answer::OpenFile>(std::move(file)), span_.offset, bytes);
  return true;
}

void Exchange::end_of_frames(Output how) {
  if (how != Output::end && how != Output::broken) {
    thread_.count().corrupt_frames.add();
    thread_.port(app_).condemn(slot_);
    thread_.shared().report_corrupt(app_, thread_.port(app_).taken_by(slot_));
    fail_app_request(502, "the worker's answer breaks the rules of HTTP or of the channel");
    return;
  }
  if (socket_) {
    let_go_of_slot();
    socket_->worker_lost(http::websocket_code::internal_error, "the app has ended");
    return;
  }
  if (how == Output::end && order_) {
    fill_file_order();
    return;
  }
  const bool short_body = body_left_ > 0;
  if (how == Output::broken || !head_sent_ || short_body) {
    Counters& count = thread_.count();
    if (head_sent_) (is_over_time() ? count.timeout_request : count.responses_broken).add();
    fail_app_request(500, "the app did not finish its answer");
    return;
  }
  if (coder_ && !send_coded(coder_->end())) return;
  if (!has_slot_) return;  // the client is gone
  let_go_of_slot();
  sink_.end();
}

// Everything the worker has published is read. From a living one more will come.
void Exchange::no_frames_left() {
  if (!worker_dead_) return;
  if (over_time_) {
    thread_.count().timeout_request.add();
    fail_app_request(504, "the app worked on this request for longer than it may");
    return;
  }
  thread_.count().worker_lost.add();
  fail_app_request(502, "the worker died while it answered this request");
}

// Few requests have one, and looking for it takes a lock.
void Exchange::drop_body_file() {
  if (std::exchange(has_body_file_, false)) thread_.shared().body_files[app_]->drop(slot_);
}

void Exchange::let_go_of_slot() {
  channel::EdgePort& port = thread_.port(app_);
  coder_.reset();
  queue_wait_ns_ = port.queue_wait_ns(slot_);
  service_ns_ = std::max<i64>(0, thread_.now() - enqueued_ns_ - queue_wait_ns_);
  worker_ = static_cast<int>(port.taken_by(slot_));
  drop_body_file();
  thread_.forget_files(app_, slot_);
  thread_.line(app_).done(*this, thread_.now(), socket_ ? -1 : service_ns_);
  has_slot_ = waiting_for_file_ = false;
}

// Nobody wants the answer any more.
void Exchange::give_up_slot() {
  coder_.reset();
  drop_body_file();
  thread_.forget_files(app_, slot_);
  thread_.line(app_).leave(*this);
  has_slot_ = waiting_for_file_ = false;
}

// Before the head was sent an error can still be told; afterwards only an early end can tell that
// something is wrong.
void Exchange::fail_app_request(int status, std::string_view why) {
  let_go_of_slot();
  if (socket_) {
    socket_->worker_lost(http::websocket_code::internal_error, why);
    return;
  }
  if (head_sent_) {
    sink_.break_off();
    return;
  }
  answer_status(status, why);
}

}  // namespace labcoat::edge
