#include "python/stop.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <unistd.h>
#include <vector>

#include "channel/channel.h"

namespace labcoat::python {
namespace {

std::atomic<bool> requested{false};
std::vector<int>* bells = nullptr;  // set before the handler is; never freed

void on_signal(int signal) {
  if (signal == SIGINT || requested.exchange(true)) _exit(128 + signal);
  const int saved = errno;
  for (const int bell : *bells) channel::ring_doorbell(bell);
  errno = saved;
}

}  // namespace

void catch_stop_signals(std::span<const int> doorbells) {
  bells = new std::vector<int>(doorbells.begin(), doorbells.end());
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGTERM, &action, nullptr);
  sigaction(SIGINT, &action, nullptr);
}

bool stop_requested() {
  return requested.load(std::memory_order_relaxed);
}

}  // namespace labcoat::python
