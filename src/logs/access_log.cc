#include "logs/access_log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <ctime>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace labcoat::logs {
namespace {

constexpr std::string_view syslog_prefix = "syslog+udp://";
// RFC 5424 section 6.2.1: facility local0 (16), severity informational (6).
constexpr int syslog_priority = 16 * 8 + 6;
// A datagram that arrives through any network; the end of a longer line is cut off.
constexpr size_t syslog_bytes_max = 8192;
// How long the end of the program waits for a sink that takes nothing.
constexpr i64 last_wait_ns = 2 * seconds;

Result<Fd> connect_syslog(const std::string& name, const std::string& target) {
  const std::string failure = "cannot open the " + name + " " + target;
  const std::string address = target.substr(syslog_prefix.size());
  const size_t colon = address.rfind(':');
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  const std::string port = colon == address.npos ? "514" : address.substr(colon + 1);
  if (const int error = getaddrinfo(host.c_str(), port.c_str(), &hints, &found); error != 0) {
    return fail(failure + ": " + gai_strerror(error));
  }
  Fd socket(::socket(found->ai_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool connected = socket && ::connect(socket.get(), found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  if (!connected) return fail_errno(failure);
  return socket;
}

Result<Fd> open_target(const AccessLog::Options& options) {
  const std::string& target = options.target;
  if (target.starts_with(syslog_prefix)) return connect_syslog(options.name, target);
  // Appending, so that several processes and logrotate's copytruncate may share the file. A pipe
  // that nobody reads is an error, not a wait.
  Fd file(target == "-" ? ::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
                        : ::open(target.c_str(),
                                 O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK, 0644));
  if (!file) return fail_errno("cannot open the " + options.name + " " + target);
  return file;
}

bool is_regular_file(int fd) {
  struct stat facts {};
  return ::fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
}

// RFC 5424 section 6: everything before the message.
std::string syslog_header() {
  char date[32];
  const auto now = static_cast<time_t>(wall_ns() / seconds);
  tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &parts);
  char host[HOST_NAME_MAX + 1] = "";
  if (::gethostname(host, sizeof host - 1) != 0 || host[0] == '\0') host[0] = '-';
  char header[128 + sizeof host];
  std::snprintf(header, sizeof header, "<%d>1 %s %s labcoat %d access - ", syslog_priority, date,
                host, static_cast<int>(getpid()));
  return header;
}

}  // namespace

Result<std::unique_ptr<AccessLog>> AccessLog::open(Options options) {
  auto fd = open_target(options);
  if (!fd) return tl::unexpected(fd.error());
  return std::unique_ptr<AccessLog>(new AccessLog(std::move(options), std::move(*fd)));
}

AccessLog::AccessLog(Options options, Fd fd)
    : options_(std::move(options)), syslog_(options_.target.starts_with(syslog_prefix)) {
  adopt(std::move(fd));
  for (int i = 0; i < options_.threads; ++i) buffers_.push_back(std::make_unique<Buffer>());
  if (!options_.sync) writer_ = std::thread([this] { run_writer(); });
}

AccessLog::~AccessLog() {
  finish();
  if (writer_.joinable()) writer_.join();
}

void AccessLog::finish() {
  if (stopping_) return;
  {
    const std::lock_guard lock(wake_mutex_);
    stopped_ns_ = now_ns();
    stopping_ = true;
  }
  wake_.notify_one();
  if (options_.sync) close_sink();
}

void AccessLog::close_sink() {
  const std::lock_guard lock(sink_mutex_);
  sink_.fd.reset();
  ended_ = true;
}

void AccessLog::adopt(Fd fd) {
  const bool is_file = is_regular_file(fd.get());
  // A pipe may be the same as before, under the same name.
  sink_ = {.fd = std::move(fd), .is_file = is_file, .broken_line = sink_.broken_line && !is_file};
}

void AccessLog::write(int thread, std::string_view lines) {
  if (options_.sync) {
    write_out(lines);
    return;
  }
  Buffer& buffer = *buffers_[static_cast<size_t>(thread)];
  bool enough = false;
  {
    const std::lock_guard lock(buffer.mutex);
    const size_t before = buffer.lines.size();
    if (before + lines.size() > buffered_bytes_max) return drop(lines);
    buffer.lines.append(lines);
    enough = before < write_at_bytes && buffer.lines.size() >= write_at_bytes;
  }
  // A system call, which is made when the writer does not look by itself, or not soon enough.
  if (!enough && !is_idle_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(wake_mutex_);
    any_ = true;
    enough_ = enough_ || enough;
  }
  wake_.notify_one();
}

bool AccessLog::holds_lines() {
  return std::any_of(buffers_.begin(), buffers_.end(), [](const auto& buffer) {
    const std::lock_guard lock(buffer->mutex);
    return !buffer->lines.empty();
  });
}

// Nothing is done until somebody has lines. They are seen here, or who adds them sees that nobody
// looks: the buffer's mutex orders the two.
void AccessLog::wait_for_lines() {
  is_idle_.store(true, std::memory_order_relaxed);
  if (!holds_lines()) {
    std::unique_lock lock(wake_mutex_);
    wake_.wait(lock, [this] { return any_ || stopping_; });
    any_ = false;
  }
  is_idle_.store(false, std::memory_order_relaxed);
}

void AccessLog::run_writer() {
  pthread_setname_np(pthread_self(), "access-log");
  std::string lines;
  for (bool last = false; !last;) {
    // While lines come it only looks for them in time: whoever adds some need not wake it.
    if (!holds_lines()) wait_for_lines();
    {
      std::unique_lock lock(wake_mutex_);
      wake_.wait_for(lock, std::chrono::milliseconds(gather_ms),
                     [this] { return enough_ || stopping_; });
      enough_ = false;
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
  close_sink();
}

void AccessLog::write_out(std::string_view lines) {
  const std::lock_guard lock(sink_mutex_);
  adopt_reopened();
  if (lines.empty()) return;
  syslog_ ? send_as_syslog(lines) : write_as_stream(lines);
}

void AccessLog::send_as_syslog(std::string_view lines) {
  const std::string header = syslog_header();
  std::string message;
  while (!lines.empty()) {
    const size_t end = std::min(lines.find('\n'), lines.size());
    message.assign(header).append(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
    if (message.size() > syslog_bytes_max) message.resize(syslog_bytes_max);
    // The first send after an ICMP error reports that of an earlier datagram and sends nothing.
    const auto is_sent = [&] {
      return ::send(sink_.fd.get(), message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) >=
             0;
    };
    if (is_sent() || (errno == ECONNREFUSED && is_sent())) continue;
    options_.dropped->fetch_add(1, std::memory_order_relaxed);
  }
}

void AccessLog::drop(std::string_view lines) {
  const auto count = std::count(lines.begin(), lines.end(), '\n');
  options_.dropped->fetch_add(static_cast<u64>(count), std::memory_order_relaxed);
}

bool AccessLog::may_wait() const {
  // A writer may, lines are dropped meanwhile; who answers requests may not.
  if (options_.sync || has_reopened_) return false;
  // All that is left at the end waits for the same: the sink takes something once more.
  return !stopping_ || now_ns() - std::max(stopped_ns_, sink_.ready_ns) <= last_wait_ns;
}

// Whether it takes something without making us wait for ever.
bool AccessLog::is_ready_for_more() {
  if (sink_.is_file) return true;
  pollfd writable{sink_.fd.get(), POLLOUT, 0};
  for (;;) {
    const bool wait = may_wait();
    if (::poll(&writable, 1, wait ? gather_ms : 0) > 0) break;
    if (!wait) return false;
  }
  sink_.ready_ns = now_ns();
  return (writable.revents & POLLOUT) != 0;
}

void AccessLog::write_as_stream(std::string_view lines) {
  if (sink_.broken_line) {
    if (!is_ready_for_more()) return drop(lines);
    if (::write(sink_.fd.get(), "\n", 1) == 1) sink_.broken_line = false;
  }
  while (!lines.empty()) {
    if (!is_ready_for_more()) return drop(lines);
    // What a pipe has room for when it is ready (pipe(7)).
    const size_t bytes = sink_.is_file ? lines.size() : std::min<size_t>(lines.size(), PIPE_BUF);
    const ssize_t wrote = ::write(sink_.fd.get(), lines.data(), bytes);
    if (wrote < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      return drop(lines);  // disk full, or nobody reads: the service goes on
    }
    lines.remove_prefix(static_cast<size_t>(wrote));
    if (wrote > 0) sink_.broken_line = lines.data()[-1] != '\n';
  }
}

Status AccessLog::reopen() {
  if (options_.target == "-") return {};  // it has no name
  auto fd = open_target(options_);
  if (!fd) return tl::unexpected(fd.error());
  {
    const std::lock_guard lock(reopened_mutex_);
    reopened_ = std::move(*fd);
    has_reopened_ = true;
  }
  {
    const std::lock_guard lock(wake_mutex_);
    any_ = true;
  }
  wake_.notify_one();
  return {};
}

void AccessLog::adopt_reopened() {
  if (!has_reopened_.load(std::memory_order_relaxed)) return;
  const std::lock_guard lock(reopened_mutex_);
  has_reopened_ = false;
  adopt(std::move(reopened_));
}

}  // namespace labcoat::logs
