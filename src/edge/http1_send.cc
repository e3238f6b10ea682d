// Sending: bytes and files to the socket, what it does not take is kept, and what follows when
// everything is out.
#include <algorithm>
#include <cerrno>

#include "edge/http1_connection.h"

namespace labcoat::edge {
namespace {

// Pieces up to this size are copied into one buffer and sent together; larger ones go out from
// where they lie. With the last piece of a body nothing is left to be sent
// together with, but for the end of the connection.
constexpr size_t copied_piece_max = 16 * 1024;
constexpr size_t copied_last_piece_max = 4 * 1024;
constexpr size_t output_bytes = 64 * 1024;
constexpr i64 file_bytes_per_turn = 1 << 20;  // then the other connections have theirs

}  // namespace

void Http1Connection::keep_unsent(std::string_view bytes) {
  if (bytes.empty()) return;
  if (unsent_used_ > 0 && unsent_used_ >= unsent_.size() / 2) {
    unsent_.erase(0, unsent_used_);
    unsent_used_ = 0;
  }
  unsent_.append(bytes);
}

bool Http1Connection::send_failed() {
  if (errno == EAGAIN) {
    writable_ = false;
    if (!write_pace_.has_begun()) write_pace_.begin(thread_.now());
    if (write_pace_.is_too_slow(thread_.rules()->config.limits.write_rate_min, thread_.now())) {
      thread_.count().limit_write_rate.add();
      lost();
      return false;
    }
    thread_.write_timeouts.arm(*this, thread_.now());
  } else {
    lost();
  }
  return false;
}

void Http1Connection::send_hints(const answer::Response& response) {
  answer::append_http1_hints(response, thread_.output());
}

void Http1Connection::send_head(const answer::Response& response) {
  const answer::ResponseContext context{.head_request = exchange_.is_head_request(),
                                        .minor_version = exchange_.minor_version(),
                                        .keep_alive = keep_alive_,
                                        .date_line = thread_.date_line()};
  const answer::ResponseFacts facts =
      answer::append_http1_head(response, context, thread_.output());
  framing_ = facts.framing;
  keep_alive_ = facts.keep_alive;
  if (!exchange_.is_websocket()) return;
  tunnel_ = true;
  keep_alive_ = false;
  framing_ = answer::Framing::none;
}

void Http1Connection::send_data(std::string_view a, std::string_view b) {
  if (state_ == State::closed) return;
  std::string& out = thread_.output();
  const size_t bytes = a.size() + b.size();
  const bool chunked = framing_ == answer::Framing::chunked;
  if (chunked) answer::append_chunk_size(bytes, out);
  const bool last = !chunked && keep_alive_ && exchange_.body_is_complete();
  if (bytes <= (last ? copied_last_piece_max : copied_piece_max)) {
    out.append(a).append(b);
  } else {
    push_with(a, b);
  }
  if (state_ == State::closed) return;
  if (chunked) out.append("\r\n");
  if (out.size() > output_bytes) push();
}

void Http1Connection::send_file(answer::SharedFile file, i64 offset, i64 bytes) {
  file_ends_chunk_ = framing_ == answer::Framing::chunked;
  if (file_ends_chunk_) answer::append_chunk_size(static_cast<size_t>(bytes), thread_.output());
  file_left_ = bytes;  // so that what is pushed now goes out together with it
  push();
  if (state_ == State::closed) return;
  file_ = std::move(file);
  file_offset_ = offset;
  flush();
}

// RFC 9110 section 6.5.1: not to whoever may drop them on the way without a word.
void Http1Connection::send_trailers(const answer::Response& response) {
  if (framing_ == answer::Framing::chunked && exchange_.takes_trailers()) {
    answer::append_fields(response, trailers_);
  }
}

void Http1Connection::end() {
  if (framing_ == answer::Framing::chunked) {
    thread_.output().append("0\r\n").append(trailers_).append("\r\n");
    trailers_ = std::string();
  }
  if (state_ != State::closed) state_ = State::sending;
  push();
  response_complete();
}

void Http1Connection::break_off() {
  keep_alive_ = false;
  underrun_ = true;
  push();
  response_complete();
}

bool Http1Connection::wants_more() {
  if (state_ != State::answering || file_left_ > 0) return false;
  const auto limit = static_cast<size_t>(thread_.rules()->config.limits.response_buffer_bytes);
  if (unsent_.size() - unsent_used_ < limit) return true;
  thread_.count().limit_response_buffer.add();
  return false;
}

net::Next Http1Connection::next() const {
  if (file_left_ > 0) return net::Next::bytes;
  const bool is_last = state_ == State::sending && !keep_alive_ && !underrun_;
  return is_last ? net::Next::end : net::Next::nothing;
}

void Http1Connection::push() {
  push_with({}, {});
}

void Http1Connection::push_with(std::string_view a, std::string_view b) {
  std::string& out = thread_.output();
  std::string_view parts[3] = {out, a, b};
  const bool in_line = unsent_.size() == unsent_used_ && !file_;
  while (in_line && writable_ && state_ != State::closed) {
    iovec pieces[3];
    size_t count = 0, total = 0;
    for (const std::string_view part : parts) {
      if (part.empty()) continue;
      pieces[count++] = {const_cast<char*>(part.data()), part.size()};
      total += part.size();
    }
    if (count == 0) break;
    const ssize_t sent = transport_.send(pieces, count, next());
    if (sent < 0) {
      send_failed();
      break;
    }
    thread_.count().bytes_out.add(static_cast<u64>(sent));
    auto left = static_cast<size_t>(sent);
    for (std::string_view& part : parts) {
      const size_t used = std::min(left, part.size());
      part.remove_prefix(used);
      left -= used;
    }
    if (static_cast<size_t>(sent) == total) break;
  }
  if (state_ != State::closed) {
    for (const std::string_view part : parts) keep_unsent(part);
  }
  out.clear();
}

bool Http1Connection::flush() {
  while (unsent_used_ < unsent_.size()) {
    if (!writable_) return false;
    const iovec piece{unsent_.data() + unsent_used_, unsent_.size() - unsent_used_};
    const ssize_t sent = transport_.send(&piece, 1, next());
    if (sent < 0) return send_failed();
    thread_.count().bytes_out.add(static_cast<u64>(sent));
    unsent_used_ += static_cast<size_t>(sent);
    write_pace_.add(static_cast<u64>(sent));
  }
  if (file_left_ == 0) write_pace_.end();
  unsent_.clear();
  unsent_used_ = 0;
  if (unsent_.capacity() > kept_capacity_max) unsent_ = std::string();
  return file_left_ == 0 || flush_file();
}

bool Http1Connection::flush_file() {
  while (file_left_ > 0) {
    if (!writable_) return false;
    if (!file_->is_as_told()) {
      lost();
      return false;
    }
    const ssize_t sent = transport_.send_file(
        file_->fd(), file_offset_, static_cast<size_t>(std::min(file_left_, file_bytes_per_turn)));
    if (sent < 0) return send_failed();
    if (sent == 0) {
      // The file has become shorter than it was: the length that was promised cannot be kept.
      lost();
      return false;
    }
    thread_.count().bytes_out.add(static_cast<u64>(sent));
    file_offset_ += sent;
    file_left_ -= sent;
    write_pace_.add(static_cast<u64>(sent));
    if (file_left_ > 0) thread_.write_timeouts.arm(*this, thread_.now());
    if (sent == file_bytes_per_turn && file_left_ > 0) {
      give_way();
      return false;
    }
  }
  file_.reset();
  write_pace_.end();
  if (std::exchange(file_ends_chunk_, false)) unsent_.append("\r\n");
  return unsent_.empty() || flush();
}

// Nothing will be added any more; what is left goes out as the client takes it.
void Http1Connection::response_complete() {
  if (state_ == State::closed) return;
  state_ = State::sending;
  if (has_unsent()) thread_.write_timeouts.arm(*this, thread_.now());
}

void Http1Connection::finish_response() {
  exchange_.sent();
  disarm();
  if (underrun_) {
    // Where only the connection's end tells the length, an ordinary end would look like success:
    // send a reset.
    if (framing_ == answer::Framing::until_close) transport_.end_with_reset();
    close();
    return;
  }
  const bool draining = thread_.shared().draining.load(std::memory_order_relaxed);
  if (!keep_alive_ || (draining && !is_admin())) {
    begin_linger();
    return;
  }
  state_ = State::head;
  answered_ = true;
  began_ns_ = thread_.now();
  thread_.idle_timeouts.arm(*this, thread_.now());
}

void Http1Connection::begin_linger() {
  state_ = State::linger;
  unread_ = std::string();
  unread_used_ = 0;
  readable_ = true;
  end_said_ = transport_.shut_our_side();
  (end_said_ ? thread_.linger_timeouts : thread_.write_timeouts).arm(*this, thread_.now());
}

// Nothing is under way, but the socket may be full of the last answer.
void Http1Connection::end_idle() {
  if (transport_.say_end()) {
    close();
  } else {
    begin_linger();
  }
}

}  // namespace labcoat::edge
