#include "supervisor/stacks_pipe.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <limits>
#include <sys/epoll.h>
#include <unistd.h>

namespace labcoat::supervisor {

int stacks_signal() {
  return SIGRTMAX - 1;
}

Result<std::unique_ptr<StacksPipe>> StacksPipe::create(net::Loop& loop) {
  int ends[2];
  // The writer must never wait for us: it is a signal handler. What does not fit is lost.
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail_errno("cannot create a pipe");
  std::unique_ptr<StacksPipe> pipe(new StacksPipe(loop, Fd(ends[0]), Fd(ends[1])));
  if (const Status status = loop.watch(ends[0], EPOLLIN, *pipe); !status) {
    pipe->read_end_.reset();
    return tl::unexpected(status.error());
  }
  return pipe;
}

StacksPipe::~StacksPipe() {
  if (read_end_) loop_.forget(read_end_.get(), *this);
}

void StacksPipe::ask(pid_t pid, i64 now, OnStacks on_stacks) {
  askers_.push_back(std::move(on_stacks));
  if (askers_.size() > 1) return;
  text_.clear();
  due_ns_ = now + wait_max_ns;
  if (kill(pid, stacks_signal()) != 0) due_ns_ = now;
}

void StacksPipe::expire(i64 now) {
  if (!askers_.empty() && now >= due_ns_) answer();
}

i64 StacksPipe::due() const {
  return askers_.empty() ? std::numeric_limits<i64>::max() : due_ns_;
}

void StacksPipe::give_up() {
  read_all();
  if (!askers_.empty()) answer();
}

void StacksPipe::on_events(u32) {
  read_all();
}

void StacksPipe::read_all() {
  char bytes[16 * 1024];
  while (read_end_) {
    const ssize_t got = read(read_end_.get(), bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) {
      // Nobody holds the other end any more.
      loop_.forget(read_end_.get(), *this);
      read_end_.reset();
      return;
    }
    for (ssize_t i = 0; i < got; ++i) {
      if (bytes[i] == '\0') {
        answer();
      } else if (!askers_.empty() && text_.size() < bytes_max) {
        text_.push_back(bytes[i]);
      }
    }
  }
}

void StacksPipe::answer() {
  // An asker may ask again.
  const std::vector<OnStacks> askers = std::exchange(askers_, {});
  const std::string text = std::exchange(text_, {});
  for (const OnStacks& on_stacks : askers) on_stacks(text);
}

}  // namespace labcoat::supervisor
