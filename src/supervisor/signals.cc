#include "supervisor/signals.h"

#include <csignal>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace labcoat::supervisor {

Result<std::unique_ptr<Signals>> Signals::open(net::Loop& loop, OnSignal on_signal) {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGTTIN, SIGTTOU, SIGCHLD}) {
    sigaddset(&set, number);
  }
  if (sigprocmask(SIG_BLOCK, &set, nullptr) != 0) return fail_errno("cannot block signals");
  signal(SIGPIPE, SIG_IGN);
  Fd descriptor(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!descriptor) return fail_errno("cannot create a signalfd");
  std::unique_ptr<Signals> signals(new Signals(loop, std::move(descriptor), std::move(on_signal)));
  if (const Status status = loop.watch(signals->descriptor_.get(), EPOLLIN, *signals); !status) {
    return tl::unexpected(status.error());
  }
  return signals;
}

Signals::~Signals() {
  loop_.forget(descriptor_.get(), *this);
}

void Signals::on_events(u32) {
  signalfd_siginfo info;
  while (read(descriptor_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
    on_signal_(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace labcoat::supervisor
