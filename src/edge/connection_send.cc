// Sending: bytes and files to the socket, what it does not take is kept, and what follows when
// everything is out.
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "edge/connection.h"

namespace labcoat::edge {
namespace {

constexpr size_t kept_capacity_max = 4096;
constexpr i64 file_part_bytes =
    1 << 20;  // per call, so that one fast client does not keep the thread

// A part of a log line from outside: nothing in it may look like the end of a field or of the line.
void append_quoted(std::string_view text, std::string& out) {
  out.push_back('"');
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\x%02x", byte);
      out.append(escape);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

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
  return file_left_ == 0 || send_file_part();
}

bool Connection::send_file_part() {
  while (file_left_ > 0) {
    if (!writable_) return false;
    off_t offset = file_offset_;
    const ssize_t sent = ::sendfile(socket_.get(), file_.get(), &offset,
                                    static_cast<size_t>(std::min(file_left_, file_part_bytes)));
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
  if (!keep_alive_ || peer_closed_ || thread_.shared().draining.load(std::memory_order_relaxed)) {
    begin_linger();
    return;
  }
  state_ = State::head;
  answering_.began_ns = thread_.now();
  thread_.idle_timeouts.arm(*this, thread_.now());
}

void Connection::begin_linger() {
  if (peer_closed_) {
    close();
    return;
  }
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
  const time_t now = static_cast<time_t>(wall_ns() / seconds);
  tm parts{};
  localtime_r(&now, &parts);
  char date[40];
  std::strftime(date, sizeof date, "%d/%b/%Y:%H:%M:%S %z", &parts);
  const i64 total_us = (now_ns() - answering_.began_ns) / us;
  std::string line = remote_address_.empty() ? "-" : remote_address_;
  line.append(" - - [").append(date).append("] ");
  // Request line and fields were kept with tabs between them: the first is quoted already.
  const std::string_view kept = answering_.log_request;
  const size_t first = std::min(kept.find('\t'), kept.size());
  line.append(kept.empty() ? "\"-\"" : kept.substr(0, first));
  line.append(" ").append(std::to_string(answering_.status));
  line.append(" ").append(std::to_string(answering_.bytes_out)).append(" ");
  const size_t second = std::min(kept.find('\t', first + 1), kept.size());
  append_quoted(first < kept.size() ? kept.substr(first + 1, second - first - 1) : "-", line);
  line.append(" ");
  append_quoted(second < kept.size() ? kept.substr(second + 1) : "-", line);
  char tail[96];
  std::snprintf(tail, sizeof tail, " queue_us=%lld total_us=%lld id=%016llx\n",
                static_cast<long long>(answering_.queue_wait_ns / us),
                static_cast<long long>(total_us), static_cast<unsigned long long>(answering_.id));
  line.append(tail);
  log->write(thread_.index(), line);
  answering_.status = 0;
}

}  // namespace labcoat::edge
