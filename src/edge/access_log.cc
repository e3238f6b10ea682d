#include "edge/access_log.h"

#include <cerrno>
#include <chrono>
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

namespace labcoat::edge {
namespace {

Result<Fd> open_target(const std::string& target) {
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
    : options_(std::move(options)), file_(std::move(file)) {
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
