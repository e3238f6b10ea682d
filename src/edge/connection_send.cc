// Sending: bytes and files to the socket, what it does not take is kept, and what follows when
// everything is out.
#include <algorithm>
#include <cerrno>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "edge/connection.h"
#include "edge/log_line.h"

namespace labcoat::edge {
namespace {

constexpr size_t kept_capacity_max = 4096;
constexpr i64 file_bytes_per_turn = 1 << 20;  // then the other connections have theirs

}  // namespace

bool Connection::output_full() const {
  const auto limit = static_cast<size_t>(thread_.shared().config->limits.response_buffer_bytes);
  return unsent_.size() - unsent_used_ >= limit;
}

void Connection::keep_unsent(std::string_view bytes) {
  if (bytes.empty()) return;
  if (unsent_used_ > 0 && unsent_used_ >= unsent_.size() / 2) {
    unsent_.erase(0, unsent_used_);
    unsent_used_ = 0;
  }
  unsent_.append(bytes);
}

bool Connection::send_failed() {
  if (errno == EAGAIN) {
    writable_ = false;
    thread_.write_timeouts.arm(*this, thread_.now());
  } else {
    lost();
  }
  return false;
}

void Connection::push(std::string& out) {
  push_pieces(out, {}, {});
}

void Connection::push_pieces(std::string& out, std::string_view a, std::string_view b) {
  std::string_view parts[3] = {out, a, b};
  const bool in_line = unsent_.size() == unsent_used_ && file_left_ == 0;
  while (in_line && writable_) {
    iovec pieces[3];
    int count = 0;
    size_t total = 0;
    for (const std::string_view part : parts) {
      if (part.empty()) continue;
      pieces[count++] = {const_cast<char*>(part.data()), part.size()};
      total += part.size();
    }
    if (count == 0) break;
    msghdr message{};
    message.msg_iov = pieces;
    message.msg_iovlen = static_cast<size_t>(count);
    const ssize_t sent =
        count == 1 ? ::send(socket_.get(), pieces[0].iov_base, pieces[0].iov_len, MSG_NOSIGNAL)
                   : ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EINTR) continue;
      send_failed();
      break;
    }
    thread_.count().bytes_out.add(static_cast<u64>(sent));
    size_t left = static_cast<size_t>(sent);
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

bool Connection::flush() {
  while (unsent_used_ < unsent_.size()) {
    if (!writable_) return false;
    const int more = file_left_ > 0 ? MSG_MORE : 0;
    const ssize_t sent = ::send(socket_.get(), unsent_.data() + unsent_used_,
                                unsent_.size() - unsent_used_, MSG_NOSIGNAL | more);
    if (sent < 0) {
      if (errno == EINTR) continue;
      return send_failed();
    }
    thread_.count().bytes_out.add(static_cast<u64>(sent));
    unsent_used_ += static_cast<size_t>(sent);
  }
  unsent_.clear();
  unsent_used_ = 0;
  if (unsent_.capacity() > kept_capacity_max) unsent_ = std::string();
  return file_left_ == 0 || send_file();
}

bool Connection::send_file() {
  while (file_left_ > 0) {
    if (!writable_) return false;
    off_t offset = file_offset_;
    const ssize_t sent = ::sendfile(socket_.get(), file_.get(), &offset,
                                    static_cast<size_t>(std::min(file_left_, file_bytes_per_turn)));
    if (sent < 0) {
      if (errno == EINTR) continue;
      return send_failed();
    }
    if (sent == 0) {
      // The file has become shorter than it was: the length that was promised cannot be kept.
      lost();
      return false;
    }
    thread_.count().bytes_out.add(static_cast<u64>(sent));
    file_offset_ += sent;
    file_left_ -= sent;
    if (file_left_ > 0) thread_.write_timeouts.arm(*this, thread_.now());
    if (sent == file_bytes_per_turn && file_left_ > 0) {
      give_way();
      return false;
    }
  }
  file_.reset();
  if (std::exchange(file_ends_chunk_, false)) unsent_.append("\r\n");
  return unsent_.empty() || flush();
}

// Nothing will be added any more; what is left goes out as the client takes it.
void Connection::response_complete() {
  state_ = State::sending;
  if (unsent_.size() > unsent_used_ || file_left_ > 0) {
    thread_.write_timeouts.arm(*this, thread_.now());
  }
}

void Connection::finish_response() {
  write_log_line();
  disarm();
  if (answering_.underrun) {
    // Where only the connection's end tells the length, an ordinary end would look like success:
    // send a reset.
    const linger reset{1, 0};
    if (answering_.framing == Framing::until_close) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    }
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
  answering_.began_ns = thread_.now();
  thread_.idle_timeouts.arm(*this, thread_.now());
}

void Connection::begin_linger() {
  ::shutdown(socket_.get(), SHUT_WR);
  state_ = State::linger;
  unread_ = std::string();
  unread_used_ = 0;
  readable_ = true;
  thread_.linger_timeouts.arm(*this, thread_.now());
}

void Connection::count_status(int status) {
  answering_.status = status;
  Counters& count = thread_.count();
  (status < 300   ? count.status_2xx
   : status < 400 ? count.status_3xx
   : status < 500 ? count.status_4xx
                  : count.status_5xx)
      .add();
}

void Connection::write_log_line() {
  AccessLog* log = thread_.shared().access_log.get();
  if (log == nullptr || answering_.status == 0) return;
  std::string line;
  append_log_line({.remote_address = remote_address_,
                   .time_s = wall_ns() / seconds,
                   .request = answering_.log_request,
                   .status = answering_.status,
                   .body_bytes = answering_.bytes_out,
                   .referer_and_agent = answering_.log_fields,
                   .queue_us = answering_.queue_wait_ns / us,
                   .total_us = (now_ns() - answering_.began_ns) / us,
                   .id = answering_.id},
                  line);
  log->write(thread_.index(), line);
  answering_.status = 0;
}

}  // namespace labcoat::edge
