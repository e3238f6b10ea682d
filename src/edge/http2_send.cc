// Sending: heads of responses as fields, frames into the thread's output scratch, the scratch to
// the socket in as few calls as it takes.
#include <cerrno>
#include <charconv>
#include <vector>

#include "edge/http2_connection.h"
#include "edge/response_head.h"
#include "http/date.h"
#include "http/framing.h"
#include "http/status.h"

namespace labcoat::edge {
namespace {

// So much is gathered for one send.
constexpr size_t batch_bytes = 64 * 1024;
constexpr size_t bytes_per_turn = 1 << 20;  // then the other connections have theirs

// What the library does not have to copy, because it lives until the frame is sent. The names of
// what it does copy it makes lower case.
enum class Lasting : u8 {
  nothing = 0,
  name = NGHTTP2_NV_FLAG_NO_COPY_NAME,
  both = NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE
};

nghttp2_nv nv_of(std::string_view name, std::string_view value,
                 Lasting lasting = Lasting::nothing) {
  // The library only reads them.
  const auto bytes = [](std::string_view text) {
    return const_cast<uint8_t*>(reinterpret_cast<const uint8_t*>(text.data()));
  };
  return {bytes(name), bytes(value), name.size(), value.size(), static_cast<u8>(lasting)};
}

// The fields of a response on their way into the session.
class ResponseFields {
 public:
  // `date_line`: "Date: …\r\n".
  ResponseFields(const Response& response, bool head_request, std::string_view date_line)
      : fields_(scratch()) {
    fields_.clear();
    add(":status", number(response.status, status_), Lasting::name);
    for (const http::Field& field : response.fields) {
      // RFC 9113 section 8.2.1: no whitespace at either end.
      add(field.name, http::trim_ows(field.value));
    }
    if (response.split != nullptr) {
      for (const http::Field& field : (*response.split)->fields) {
        add(field.name, field.value, Lasting::both);
      }
    } else {
      for_each_field_of(response.lines,
                        [&](std::string_view name, std::string_view value) { add(name, value); });
    }
    if (!response.has_date) {
      constexpr std::string_view before = "Date: ";
      add("date", date_line.substr(before.size(), http::date_bytes), Lasting::name);
    }
    if (!response.has_server) add("server", "labcoat", Lasting::both);
    const bool bodiless = http::forbids_body(response.status);
    if (response.body_bytes >= 0 && !bodiless) {
      add("content-length", number(response.body_bytes, length_), Lasting::name);
    }
    has_body_ = !head_request && !bodiless && response.body_bytes != 0;
  }

  const nghttp2_nv* data() const { return fields_.data(); }
  size_t size() const { return fields_.size(); }
  bool has_body() const { return has_body_; }

 private:
  using Digits = char[24];

  // Memory for one call.
  static std::vector<nghttp2_nv>& scratch() {
    thread_local std::vector<nghttp2_nv> fields;
    return fields;
  }
  static std::string_view number(i64 value, Digits& digits) {
    const auto [end, error] = std::to_chars(digits, digits + sizeof digits, value);
    return {digits, static_cast<size_t>(end - digits)};
  }
  void add(std::string_view name, std::string_view value, Lasting lasting = Lasting::nothing) {
    fields_.push_back(nv_of(name, value, lasting));
  }

  Digits status_, length_;
  std::vector<nghttp2_nv>& fields_;
  bool has_body_ = false;
};

ssize_t read_frame(nghttp2_session*, int32_t, uint8_t*, size_t room, uint32_t* flags,
                   nghttp2_data_source* source, void*) {
  return static_cast<Http2Stream*>(source->ptr)->next_frame(room, *flags);
}

}  // namespace

void Http2Connection::submit_head(Http2Stream& stream, const Response& response,
                                  bool head_request) {
  const ResponseFields fields(response, head_request, thread_.date_line());
  if (response.split != nullptr) stream.keep(*response.split);
  nghttp2_data_provider body{};
  body.source.ptr = &stream;
  body.read_callback = read_frame;
  const int submitted = nghttp2_submit_response(session_.get(), stream.id(), fields.data(),
                                                fields.size(), fields.has_body() ? &body : nullptr);
  if (submitted == 0) return;
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id(), NGHTTP2_INTERNAL_ERROR);
}

void Http2Connection::submit_continue(StreamId stream) {
  char name[] = ":status", value[] = "100";
  const nghttp2_nv status{reinterpret_cast<uint8_t*>(name), reinterpret_cast<uint8_t*>(value), 7, 3,
                          NGHTTP2_NV_FLAG_NONE};
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream, nullptr, &status, 1, nullptr);
}

void Http2Connection::submit_hints(Http2Stream& stream, const Response& response) {
  std::vector<nghttp2_nv> fields;
  fields.push_back(nv_of(":status", "103"));
  for (const http::Field& field : response.fields) {
    fields.push_back(nv_of(field.name, http::trim_ows(field.value)));
  }
  nghttp2_submit_headers(session_.get(), NGHTTP2_FLAG_NONE, stream.id(), nullptr, fields.data(),
                         fields.size(), nullptr);
}

void Http2Connection::submit_trailers(
    Http2Stream& stream, const std::vector<std::pair<std::string, std::string>>& trailers) {
  std::vector<nghttp2_nv> fields;
  for (const auto& [name, value] : trailers) fields.push_back(nv_of(name, http::trim_ows(value)));
  nghttp2_submit_trailer(session_.get(), stream.id(), fields.data(), fields.size());
}

int Http2Connection::append_data_frame(Http2Stream& stream, std::string_view head, size_t length) {
  std::string& out = thread_.output();
  if (out.size() >= batch_bytes) return NGHTTP2_ERR_WOULDBLOCK;
  const size_t before = out.size();
  out.append(head);
  body_bytes_ += length;
  if (stream.append_payload(length, out)) return 0;
  out.resize(before);
  return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

bool Http2Connection::gather(std::string& out) {
  while (out.size() < batch_bytes && nghttp2_session_want_write(session_.get()) != 0) {
    const uint8_t* frame = nullptr;
    const ssize_t bytes = nghttp2_session_mem_send(session_.get(), &frame);
    if (bytes < 0) return false;
    if (bytes == 0) break;
    out.append(reinterpret_cast<const char*>(frame), static_cast<size_t>(bytes));
  }
  return true;
}

bool Http2Connection::flush() {
  std::string& out = thread_.output();
  for (size_t sent = 0;;) {
    if (unsent_used_ < unsent_.size() && !send_unsent()) return false;
    if (sent >= bytes_per_turn) {
      come_back();
      return false;
    }
    out.clear();
    if (!gather(out)) {
      out.clear();
      lost();
      return false;
    }
    if (out.empty()) return true;
    sent += out.size();
    const bool all = send(out);
    out.clear();
    if (!all) return false;
  }
}

// How much of it the socket takes now; when that is not all and the connection is still open, the
// rest has to wait.
size_t Http2Connection::send_now(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && writable_) {
    const iovec piece{const_cast<char*>(bytes.data()) + taken, bytes.size() - taken};
    const ssize_t sent = transport_.send(&piece, 1, false);
    if (sent < 0) {
      writable_ = false;
      if (errno != EAGAIN) lost();
      break;
    }
    thread_.count().bytes_out.add(static_cast<u64>(sent));
    made_progress_ = true;
    taken += static_cast<size_t>(sent);
  }
  return taken;
}

// What the socket does not take of it is kept.
bool Http2Connection::send(std::string_view bytes) {
  bytes.remove_prefix(send_now(bytes));
  if (bytes.empty()) return true;
  if (state_ == State::closed) return false;
  unsent_.assign(bytes);
  unsent_used_ = 0;
  return false;
}

bool Http2Connection::send_unsent() {
  unsent_used_ += send_now(std::string_view(unsent_).substr(unsent_used_));
  if (unsent_used_ < unsent_.size()) return false;
  unsent_used_ = 0;
  unsent_.clear();
  if (unsent_.capacity() > kept_capacity_max) unsent_ = std::string();
  return true;
}

bool Http2Connection::give_turns() {
  if (!turns_wanted_) return false;
  turns_wanted_ = false;
  bool any = false;
  for (auto at = streams_.begin(); at != streams_.end();) {
    Http2Stream& stream = *at++;  // which may be forgotten meanwhile
    if (stream.wants_turn()) any = stream.take_turn() || any;
    turns_wanted_ = turns_wanted_ || stream.wants_turn();
  }
  return any;
}

}  // namespace labcoat::edge
