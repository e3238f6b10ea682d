#include "supervisor/source_watch.h"

#include <filesystem>
#include <limits>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace labcoat::supervisor {
namespace {

namespace fs = std::filesystem;

constexpr i64 never = std::numeric_limits<i64>::max();
// Not IN_MODIFY: a file that is half written is not worth a look.
constexpr u32 mask = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |
                     IN_ONLYDIR | IN_DONT_FOLLOW;

bool is_source(const fs::path& path) {
  return path.extension() == ".py";
}

bool is_left_out(const fs::path& directory) {
  const std::string name = directory.filename().string();
  std::error_code error;
  return name.starts_with('.') || name == "__pycache__" || name == "node_modules" ||
         fs::exists(directory / "pyvenv.cfg", error);
}

}  // namespace

SourceWatch::SourceWatch(net::Loop& loop, Fd inotify, OnChange on_change)
    : loop_(loop), inotify_(std::move(inotify)), on_change_(std::move(on_change)), due_ns_(never) {}

Result<std::unique_ptr<SourceWatch>> SourceWatch::open(net::Loop& loop,
                                                       const std::string& directory,
                                                       OnChange on_change) {
  Fd inotify(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!inotify) return fail_errno("cannot watch for changed files");
  std::unique_ptr<SourceWatch> watch(
      new SourceWatch(loop, std::move(inotify), std::move(on_change)));
  if (const Status status = loop.watch(watch->inotify_.get(), EPOLLIN, *watch); !status) {
    return tl::unexpected(status.error());
  }
  watch->add(directory);
  watch->is_new_ = false;
  return watch;
}

SourceWatch::~SourceWatch() {
  loop_.forget(inotify_.get(), *this);
}

void SourceWatch::add(const std::string& directory) {
  if (directories_.size() >= directories_max) {
    if (!std::exchange(limit_said_, true)) {
      spdlog::warn("more than {} directories: {} and others are not watched", directories_max,
                   directory);
    }
    return;
  }
  const int watch = inotify_add_watch(inotify_.get(), directory.c_str(), mask);
  if (watch < 0) {
    if (errno != ENOENT && !std::exchange(limit_said_, true)) {
      spdlog::warn("{} is not watched: {}", directory, errno_text(errno));
    }
    return;
  }
  directories_[watch] = directory;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(directory, error)) {
    // A link may lead anywhere, even back here.
    if (entry.is_directory(error) && !entry.is_symlink(error)) {
      if (!is_left_out(entry.path())) add(entry.path().string());
    } else if (!is_new_ && is_source(entry.path())) {
      changed(entry.path().string());  // written before we could watch
    }
  }
}

void SourceWatch::changed(std::string path) {
  changed_ = std::move(path);
  due_ns_ = now_ns() + quiet_ns;
}

void SourceWatch::expire(i64 now) {
  if (now < due_ns_) return;
  due_ns_ = never;
  on_change_(changed_);
}

void SourceWatch::on_events(u32) {
  alignas(inotify_event) char bytes[16 * 1024];
  for (;;) {
    const ssize_t got = read(inotify_.get(), bytes, sizeof bytes);
    if (got <= 0) return;
    for (ssize_t at = 0; at < got;) {
      const auto& event = *reinterpret_cast<const inotify_event*>(bytes + at);
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) changed("more files than can be named");
      const auto directory = directories_.find(event.wd);
      if (directory == directories_.end()) continue;
      if ((event.mask & IN_IGNORED) != 0) {
        directories_.erase(directory);  // it is removed
        continue;
      }
      if (event.len == 0) continue;
      const fs::path path = fs::path(directory->second) / event.name;
      if ((event.mask & IN_ISDIR) != 0) {
        if ((event.mask & (IN_CREATE | IN_MOVED_TO)) != 0 && !is_left_out(path)) add(path.string());
      } else if ((event.mask & IN_CREATE) == 0 && is_source(path)) {
        changed(path.string());
      }
    }
  }
}

}  // namespace labcoat::supervisor
