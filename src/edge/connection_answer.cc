// Answering: from a whole request to the frames of an app's response, a file, or the edge's own
// words.
#include <algorithm>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "edge/connection.h"
#include "edge/log_line.h"
#include "http/status.h"
#include "http/url.h"

namespace labcoat::edge {
namespace {

using Output = channel::EdgePort::Output;

// Pieces up to this size are copied into one buffer and sent together; larger ones go out from
// where they lie.
constexpr size_t copied_piece_max = 16 * 1024;
constexpr size_t output_bytes = 64 * 1024;
constexpr int frames_per_turn = 32;

// RFC 9110 section 9.2.1: the client asked for nothing to be changed, so asking twice changes
// nothing either.
bool is_safe(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

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

ResponseContext Connection::context() {
  return {.head_request = answering_.head_request,
          .minor_version = answering_.minor_version,
          .keep_alive = keep_alive_,
          .date_line = thread_.date_line()};
}

void Connection::note_request(const http::RequestHead& head) {
  forget_request();
  answering_.head_request = head.method == "HEAD";
  answering_.minor_version = head.minor_version;
  if (!thread_.shared().access_log) return;
  std::string& line = answering_.log_request;
  line.push_back('"');
  line.append(head.method).push_back(' ');
  append_escaped(head.target, line);
  line.append(head.minor_version == 1 ? " HTTP/1.1\"" : " HTTP/1.0\"");
  const http::Field* const referer = head.find("referer");
  const http::Field* const agent = head.find("user-agent");
  append_quoted(referer != nullptr ? referer->value : "-", answering_.log_fields);
  answering_.log_fields.push_back(' ');
  append_quoted(agent != nullptr ? agent->value : "-", answering_.log_fields);
}

void Connection::forget_request() {
  const i64 began_ns = answering_.began_ns;
  std::string request = std::move(answering_.log_request);
  std::string fields = std::move(answering_.log_fields);
  answering_ = Answering{};
  answering_.began_ns = began_ns;
  answering_.id = thread_.next_request_id();
  if (!thread_.shared().access_log) return;
  // Their memory is used again.
  request.clear();
  fields.clear();
  answering_.log_request = std::move(request);
  answering_.log_fields = std::move(fields);
}

void Connection::dispatch(const http::RequestHead& head, const Body& body) {
  std::vector<char>& buffer = thread_.path_buffer();
  if (head.path == "*") {
    answer_self(200, "", "Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    return;
  }
  CHECK(head.path.size() <= buffer.size());
  const ptrdiff_t length = http::normalize_path(head.path, buffer.data());
  if (length < 0) {
    thread_.count().bad_requests.add();
    refuse(400, "the path cannot be decoded");
    return;
  }
  const std::string_view path(buffer.data(), static_cast<size_t>(length));
  if (listener_.admin) {
    answer_admin(path);
    return;
  }
  const Route* route = thread_.shared().router.match(path);
  if (route == nullptr) {
    answer_self(404, "404 Not Found\n");
  } else if (route->app >= 0) {
    give_to_app(head, path, body, static_cast<size_t>(route->app));
  } else {
    answer_with_static(head, path, *route);
  }
}

void Connection::give_to_app(const http::RequestHead& head, std::string_view path, const Body& body,
                             size_t app) {
  channel::EdgePort& port = thread_.port(app);
  answering_.app = app;
  // The channel has slots by the 64; the limit is what was configured, in equal shares.
  const config::Config& config = *thread_.shared().config;
  const int share = (config.limits.queue + config.edge_threads - 1) / config.edge_threads;
  const bool full = port.in_use() >= static_cast<u32>(share);
  const auto slot = full ? std::nullopt : port.acquire(this);
  if (!slot) {
    thread_.count().limit_queue.add();
    answer_self(503, "too many requests are waiting\n", "Retry-After: 1\r\n");
    return;
  }
  if (!write_request(*slot, head, path, body)) {
    port.release(*slot);
    thread_.count().limit_request_head.add();
    refuse(431, "the request does not fit into a slot of the channel");
    return;
  }
  answering_.slot = *slot;
  answering_.has_slot = true;
  answering_.repeatable = is_safe(head.method);
  state_ = State::app;
  if (body.file) {
    thread_.shared().body_files[app]->put(*slot, port.generation(*slot), body.file);
  }
  thread_.queue_timeouts.arm(*this, thread_.now());
  port.enqueue(*slot);
}

bool Connection::write_request(u32 slot, const http::RequestHead& head, std::string_view path,
                               const Body& body) {
  channel::EdgePort& port = thread_.port(answering_.app);
  channel::RequestInfo& info = port.info(slot);
  const i64 wait = thread_.shared().config->limits.queue_wait_ns;
  info.id = answering_.id;
  info.received_ns = answering_.began_ns;
  info.enqueued_ns = thread_.now();
  info.deadline_ns = thread_.now() + wait;
  info.flags = 0;
  if (listener_.https) info.flags |= channel::request_https;
  if (head.minor_version == 0) info.flags |= channel::request_http10;
  if (body.file) info.flags |= channel::request_body_in_file;
  info.server_port = listener_.port;
  info.remote_port = remote_port_;
  channel::RequestWriter writer = port.write(slot);
  if (!writer.text({.method = head.method,
                    .target = head.target,
                    .path = path,
                    .query = head.query,
                    .server_name = listener_.server_name,
                    .remote_address = remote_address_})) {
    return false;
  }
  for (size_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    if (hidden_from_app(field.name)) continue;
    // RFC 9112 section 3.2.2: a target in absolute form overrules the Host field.
    const bool overruled = !head.target.starts_with('/') && http::same_name(field.name, "host");
    // "X_Real_IP" and "X-Real-IP" would be one and the same name to the app: only the second may
    // pass.
    if (field.name.find('_') != field.name.npos) {
      thread_.count().underscore_fields.add();
      continue;
    }
    if (!writer.field(field.name, overruled ? head.host : field.value)) return false;
  }
  writer.begin_body();
  if (body.file) {
    info.body_bytes = body.bytes;
    return true;
  }
  return writer.body(body.memory);
}

void Connection::answer_with_static(const http::RequestHead& head, std::string_view path,
                                    const Route& route) {
  StaticAnswer answer = answer_with_file(route, path, head, thread_.shared().mime_types);
  if (!answer.file) {
    if (answer.status == 304) {
      append_own_head(304, 0, answer.fields, context(), unsent_);
      count_status(304);
      response_complete();
      return;
    }
    std::string text = std::to_string(answer.status);
    text.append(" ").append(http::reason_phrase(answer.status)).append("\n");
    answer_self(answer.status, text, answer.fields);
    return;
  }
  append_own_head(answer.status, answer.bytes, answer.fields, context(), unsent_);
  count_status(answer.status);
  if (!answering_.head_request && answer.bytes > 0) {
    file_ = std::move(answer.file);
    file_offset_ = answer.offset;
    file_left_ = answer.bytes;
    answering_.bytes_out = static_cast<u64>(answer.bytes);
  }
  response_complete();
}

void Connection::answer_admin(std::string_view path) {
  const AdminPages::Page page = thread_.shared().admin->answer(path);
  answer_self(page.status, page.body, {}, page.content_type);
}

void Connection::answer_self(int status, std::string_view text, std::string_view fields,
                             std::string_view content_type) {
  std::string lines(fields);
  if (!text.empty()) lines.append("Content-Type: ").append(content_type).append("\r\n");
  append_own_head(status, static_cast<i64>(text.size()), lines, context(), unsent_);
  if (!answering_.head_request) unsent_.append(text);
  answering_.bytes_out = text.size();
  count_status(status);
  response_complete();
}

void Connection::refuse(int status, std::string_view why) {
  keep_alive_ = false;
  body_.reset();
  std::string text = std::to_string(status);
  text.append(" ").append(http::reason_phrase(status)).append(": ").append(why).append("\n");
  answer_self(status, text);
}

void Connection::on_app_news() {
  read_frames();
  advance();
}

void Connection::on_file() {
  if (state_ != State::app || !answering_.waiting_for_file) return;
  read_frames();
  advance();
}

bool Connection::waits_for(size_t app, u32 slot, u32 generation) const {
  return answering_.has_slot && answering_.app == app && answering_.slot == slot &&
         thread_.port(app).generation(slot) == generation;
}

// Takes what the worker has published and sends it: small pieces together, large ones from the
// channel's memory.
void Connection::read_frames() {
  std::string& out = thread_.output();
  out.clear();
  channel::EdgePort& port = thread_.port(answering_.app);
  channel::EdgePort::Frame frame;
  int frames = 0;
  while (state_ == State::app && answering_.has_slot && file_left_ == 0) {
    if (output_full()) {
      thread_.count().limit_response_buffer.add();
      break;
    }
    // A fast worker and a fast client together could keep this loop, and the thread, for ever.
    if (frames++ == frames_per_turn) {
      give_way();
      break;
    }
    if (answering_.waiting_for_file) {
      if (!put_file(out)) break;
      continue;
    }
    port.next(answering_.slot, frame);
    if (frame.kind == Output::nothing_yet) {
      no_frames_left();
      break;
    }
    if (frame.kind == Output::head && put_head(frame.head, out)) continue;
    if (frame.kind == Output::data && put_data(frame, out)) continue;
    if (frame.kind == Output::file && answering_.head_sent) {
      answering_.waiting_for_file = true;
      answering_.span = frame.file;
      thread_.write_timeouts.arm(*this, thread_.now());  // should the descriptor never arrive
      continue;
    }
    end_of_frames(frame.kind, out);
  }
  if (state_ != State::closed) push(out);
}

// False: the head breaks the rules, or is the second one.
bool Connection::put_head(const channel::EdgePort::Head& head, std::string& out) {
  const char* why = "";
  ResponseFacts facts;
  if (answering_.head_sent || !append_app_head(head, context(), out, facts, why)) return false;
  answering_.head_sent = true;
  answering_.framing = facts.framing;
  answering_.body_left = facts.framing == Framing::content_length ? facts.body_bytes : -1;
  keep_alive_ = facts.keep_alive;
  count_status(head.status);
  return true;
}

// False: there was no head before it.
bool Connection::put_data(const channel::EdgePort::Frame& frame, std::string& out) {
  if (!answering_.head_sent) return false;
  channel::EdgePort& port = thread_.port(answering_.app);
  const size_t all = frame.data.size() + frame.more.size();
  std::string_view data = frame.data, more = frame.more;
  if (answering_.framing == Framing::none) {
    data = more = {};
  } else if (answering_.framing == Framing::content_length) {
    // More than was announced would be read as the next response.
    const size_t left = static_cast<size_t>(answering_.body_left);
    data = data.substr(0, left);
    more = more.substr(0, left - data.size());
    answering_.body_left -= static_cast<i64>(data.size() + more.size());
  }
  const size_t bytes = data.size() + more.size();
  answering_.bytes_out += bytes;
  const bool chunked = answering_.framing == Framing::chunked && bytes > 0;
  if (chunked) append_chunk_size(bytes, out);
  if (bytes <= copied_piece_max) {
    out.append(data).append(more);
  } else {
    push_pieces(out, data, more);
  }
  if (state_ != State::app) return true;  // the client is gone, the slot given up
  if (chunked) out.append("\r\n");
  if (all > 0) port.consumed(answering_.slot, all);
  if (out.size() > output_bytes) push(out);
  return true;
}

bool Connection::put_file(std::string& out) {
  channel::EdgePort& port = thread_.port(answering_.app);
  const u32 generation = port.generation(answering_.slot);
  Fd file;
  if (!thread_.take_file(answering_.app, answering_.slot, generation, answering_.span.number,
                         file)) {
    if (answering_.worker_dead) no_frames_left();
    return false;
  }
  answering_.waiting_for_file = false;
  disarm();
  if (!file) {
    // It was sent, but this process had no descriptor left to receive it with.
    thread_.count().limit_descriptors.add();
    push(out);
    if (state_ == State::app) fail_app_request(503, "no file descriptor is left");
    return false;
  }
  if (answering_.framing == Framing::none) return true;
  i64 bytes = answering_.span.bytes;
  if (answering_.framing == Framing::content_length) {
    bytes = std::min(bytes, answering_.body_left);
    answering_.body_left -= bytes;
  }
  if (bytes == 0) return true;
  answering_.bytes_out += static_cast<u64>(bytes);
  file_ends_chunk_ = answering_.framing == Framing::chunked;
  if (file_ends_chunk_) append_chunk_size(static_cast<size_t>(bytes), out);
  push(out);
  if (state_ != State::app) return true;
  file_ = std::move(file);
  file_offset_ = answering_.span.offset;
  file_left_ = bytes;
  flush();
  return true;
}

void Connection::end_of_frames(Output how, std::string& out) {
  if (how != Output::end && how != Output::broken) {
    thread_.count().corrupt_frames.add();
    thread_.port(answering_.app).condemn(answering_.slot);
    fail_app_request(502, "the worker's answer breaks the rules of HTTP or of the channel");
    return;
  }
  const bool short_body = answering_.framing == Framing::content_length && answering_.body_left > 0;
  if (how == Output::broken || !answering_.head_sent || short_body) {
    if (answering_.head_sent) thread_.count().responses_broken.add();
    push(out);
    // Sending may have found that the client is gone; then the slot is given up already.
    if (state_ == State::app) fail_app_request(500, "the app did not finish its answer");
    return;
  }
  if (answering_.framing == Framing::chunked) out.append("0\r\n\r\n");
  let_go_of_slot();
  response_complete();
}

// Everything the worker has published is read. From a living one more will come.
void Connection::no_frames_left() {
  if (!answering_.worker_dead) return;
  thread_.count().worker_lost.add();
  fail_app_request(502, "the worker died while it answered this request");
}

void Connection::let_go_of_slot() {
  channel::EdgePort& port = thread_.port(answering_.app);
  answering_.queue_wait_ns = port.queue_wait_ns(answering_.slot);
  thread_.shared().body_files[answering_.app]->drop(answering_.slot);
  thread_.forget_files(answering_.app, answering_.slot);
  port.done(answering_.slot);
  answering_.has_slot = false;
}

// Before the head was sent an error can still be told; afterwards only an early end can tell that
// something is wrong.
void Connection::fail_app_request(int status, std::string_view why) {
  let_go_of_slot();
  if (!answering_.head_sent) {
    std::string text = std::to_string(status);
    text.append(" ").append(http::reason_phrase(status)).append(": ").append(why).append("\n");
    answer_self(status, text);
    return;
  }
  keep_alive_ = false;
  answering_.underrun = true;
  response_complete();
}

void Connection::on_worker_death() {
  answering_.worker_dead = true;
  const bool untouched = !answering_.head_sent && !answering_.waiting_for_file;
  if (untouched) {
    // A complete answer it has left behind is as good as from a living one; a part of one is not
    // even begun.
    channel::EdgePort& port = thread_.port(answering_.app);
    if (!port.has_ended(answering_.slot) && answering_.repeatable && !answering_.repeated) {
      answering_.repeated = true;
      answering_.worker_dead = false;
      thread_.count().repeated.add();
      thread_.queue_timeouts.arm(*this, thread_.now());
      thread_.forget_files(answering_.app, answering_.slot);
      // The body is the same, under the name that the request will have.
      BodyFiles& files = *thread_.shared().body_files[answering_.app];
      const u32 generation = port.generation(answering_.slot);
      if (auto file = files.find(answering_.slot, generation)) {
        files.put(answering_.slot, generation + 1, std::move(file));
      }
      port.requeue(answering_.slot);
      return;
    }
  }
  read_frames();
  advance();
}

}  // namespace labcoat::edge
