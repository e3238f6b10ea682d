// Sending: heads of responses as fields, frames into the thread's output scratch, the scratch to
// the socket in as few calls as it takes.
#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include "answer/response.h"
#include "base/digits.h"
#include "edge/http2_connection.h"
#include "http/ascii.h"
#include "http/date.h"
#include "http/framing.h"
#include "http/status.h"

namespace labcoat::edge {
namespace {

// So much is gathered for one send.
constexpr size_t batch_bytes = 64 * 1024;
constexpr size_t bytes_per_turn = 1 << 20;  // then the other connections have theirs

using Digits = char[number_bytes_max];

std::string_view number(i64 value, Digits& digits) {
  return {digits, static_cast<size_t>(put_number(value, digits) - digits)};
}

// A field's name in lower case, until the next one is asked for.
class LowerName {
 public:
  std::string_view of(std::string_view name) {
    char* out = short_;
    if (name.size() > sizeof short_) {
      long_.resize(name.size());
      out = long_.data();
    }
    std::transform(name.begin(), name.end(), out, http::lower);
    return {out, name.size()};
  }

 private:
  char short_[64];
  std::string long_;
};

// A field that is another one in every answer would only push others out of the client's table; a
// cookie is nobody's on the way (RFC 7541 section 7.1).
http2::Indexing indexing_of(std::string_view name) {
  switch (name.size()) {
    case 8:
      return name == "location" ? http2::Indexing::no : http2::Indexing::yes;
    case 10:
      return name == "set-cookie" ? http2::Indexing::never : http2::Indexing::yes;
    case 13:
      return name == "content-range" ? http2::Indexing::no : http2::Indexing::yes;
    default:
      return http2::Indexing::yes;
  }
}

// One by one. RFC 9113 section 8.2.1: no whitespace at either end.
void add_fields(const std::vector<http::Field>& fields, http2::Session& session) {
  LowerName lower;
  for (const http::Field& field : fields) {
    const std::string_view name = lower.of(field.name);
    session.add(name, http::trim_ows(field.value), indexing_of(name));
  }
}

}  // namespace

void Http2Connection::submit_head(Http2Stream& stream, const answer::Response& response,
                                  bool head_request) {
  if (stream.is_closed()) return;
  Digits digits;
  session_->begin_head();
  session_->add(":status", number(response.status, digits));
  add_fields(response.fields, *session_);
  if (response.split != nullptr) {
    for (const http::Field& field : (*response.split)->fields) {
      session_->add(field.name, field.value);
    }
  } else {
    LowerName lower;
    answer::for_each_field_of(response.lines, [&](std::string_view name, std::string_view value) {
      const std::string_view known = lower.of(name);
      session_->add(known, value, indexing_of(known));
    });
  }
  if (!response.has_date) {
    constexpr std::string_view before = "Date: ";
    session_->add("date", thread_.date_line().substr(before.size(), http::date_bytes));
  }
  if (!response.has_server) session_->add("server", "labcoat");
  const bool bodiless = http::forbids_body(response.status);
  if (response.body_bytes >= 0 && !bodiless) {
    session_->add("content-length", number(response.body_bytes, digits), http2::Indexing::no);
  }
  session_->end_head(stream, head_request || bodiless || response.body_bytes == 0);
}

void Http2Connection::submit_continue(Http2Stream& stream) {
  if (stream.is_closed()) return;
  session_->begin_head();
  session_->add(":status", "100");
  session_->end_head(stream, /*end_stream=*/false);
}

void Http2Connection::submit_hints(Http2Stream& stream, const answer::Response& response) {
  if (stream.is_closed()) return;
  session_->begin_head();
  session_->add(":status", "103");
  add_fields(response.fields, *session_);
  session_->end_head(stream, /*end_stream=*/false);
}

void Http2Connection::submit_trailers(
    Http2Stream& stream, const std::vector<std::pair<std::string, std::string>>& trailers) {
  LowerName lower;
  session_->begin_head();
  for (const auto& [name, value] : trailers) session_->add(lower.of(name), http::trim_ows(value));
  session_->end_head(stream, /*end_stream=*/true);
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
    session_->write(out, batch_bytes);
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
    const ssize_t sent = transport_.send(&piece, 1, net::Next::nothing);
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
