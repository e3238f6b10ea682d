#include "edge/access_log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

namespace labcoat::edge {
namespace {

constexpr std::string_view syslog_prefix = "syslog+udp://";
// RFC 5424 section 6.2.1: facility local0 (16), severity informational (6).
constexpr int syslog_priority = 16 * 8 + 6;

Result<Fd> connect_syslog(const std::string& target) {
  const std::string address = target.substr(syslog_prefix.size());
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = colon == address.npos ? "514" : address.substr(colon + 1);
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return fail("cannot log to " + target + ": " + gai_strerror(error));
  }
  Fd socket(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool connected = socket && ::connect(socket.get(), found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (!connected) return fail_errno("cannot log to " + target);
  return socket;
}

Result<Fd> open_target(const std::string& target) {
  if (target.starts_with(syslog_prefix)) return connect_syslog(target);
  // Appending, so that several processes and logrotate's copytruncate may share the file.
  Fd file(target == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                        : ::open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!file) return fail_errno("cannot open the access log " + target);
  return file;
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(Options options) {
  auto file = open_target(options.target);
  if (!file) return tl::unexpected(file.error());
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(options), std::move(*file)));
}

AccessLog::AccessLog(Options options, Fd file)
    : options_(std::move(options)),
      syslog_(options_.target.starts_with(syslog_prefix)),
      file_(std::move(file)) {
  for (int i = 0; i < options_.threads; ++i) buffers_.push_back(std::make_unique<Buffer>());
  if (!options_.sync) writer_ = std::thread([this] { run_writer(); });
}

AccessLog::~AccessLog() {
  {
    const std::lock_guard lock(wake_mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (writer_.joinable()) writer_.join();
}

void AccessLog::write(int thread, std::string_view line) {
  if (options_.sync) {
    write_out(line);
    return;
  }
  Buffer& buffer = *buffers_[static_cast<size_t>(thread)];
  bool wake = false;
  {
    const std::lock_guard lock(buffer.mutex);
    if (buffer.lines.size() + line.size() > buffered_bytes_max) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    const size_t before = buffer.lines.size();
    buffer.lines.append(line);
    wake = before < write_at_bytes && buffer.lines.size() >= write_at_bytes;
  }
  if (!wake) return;
  {
    const std::lock_guard lock(wake_mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
}

void AccessLog::run_writer() {
  pthread_setname_np(pthread_self(), "access-log");
  std::string lines;
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(wake_mutex_);
      wake_.wait_for(lock, std::chrono::milliseconds(200), [this] { return wanted_ || stopping_; });
      wanted_ = false;
      last = stopping_;
    }
    for (const auto& buffer : buffers_) {
      lines.clear();
      {
        const std::lock_guard lock(buffer->mutex);
        lines.swap(buffer->lines);
      }
      write_out(lines);
    }
  }
}

void AccessLog::write_out(std::string_view lines) {
  const std::lock_guard lock(file_mutex_);
  syslog_ ? send_as_syslog(lines) : write_to_file(lines);
}

void AccessLog::send_as_syslog(std::string_view lines) {
  char header[128];
  char date[32];
  const time_t now = static_cast<time_t>(wall_ns() / seconds);
  tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
  std::snprintf(header, sizeof header, "<%d>1 %s - labcoat %d access - ", syslog_priority, date,
                static_cast<int>(getpid()));
  std::string message;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    message.assign(header).append(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
    // Nobody listening, or no room: lost, as is syslog's way over UDP; but counted.
    if (::send(file_.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
    }
  }
}

void AccessLog::write_to_file(std::string_view lines) {
  while (!lines.empty()) {
    const ssize_t wrote = ::write(file_.get(), lines.data(), lines.size());
    if (wrote < 0) {
      if (errno == EINTR) continue;
      dropped_.fetch_add(1, std::memory_order_relaxed);  // disk full: the service goes on
      return;
    }
    lines.remove_prefix(static_cast<size_t>(wrote));
  }
}

void AccessLog::reopen() {
  auto file = open_target(options_.target);
  if (!file) return;  // the old file stays in use
  const std::lock_guard lock(file_mutex_);
  file_ = std::move(*file);
}

}  // namespace labcoat::edge
