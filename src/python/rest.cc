#include "python/rest.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fd.h"
#include "python/cold_pages.h"
#include "python/ref.h"

namespace labcoat::python {
namespace {

// When nothing was found to pack, the next look is later; but workers may get their first requests
// after hours.
constexpr i64 look_ns_max = 20 * seconds;
// Who is woken again and again spends at most about a hundredth of its time on packing.
constexpr i64 packing_share = 100;

// Cost of packing so far decides how soon it is worth doing again. One zygote per process.
i64 rest_again_ns = 0;

bool is_alone() {
  struct stat tasks {};  // one directory per thread, "." and ".."
  return stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink == 3;
}

enum class Woken { by_fd, by_signal, by_time };

Woken wait_for(int fd, int signals, i64 ns) {
  pollfd watched[] = {{.fd = fd, .events = POLLIN, .revents = 0},
                      {.fd = signals, .events = POLLIN, .revents = 0}};
  const timespec limit{.tv_sec = ns / seconds, .tv_nsec = ns % seconds};
  const int ready = ppoll(watched, 2, ns > 0 ? &limit : nullptr, nullptr);
  if (ready == 0) return Woken::by_time;
  return ready > 0 && watched[0].revents != 0 ? Woken::by_fd : Woken::by_signal;
}

// Signals wait as long as anything is packed: their handlers would find zeroes.
class SignalsHeld {
 public:
  SignalsHeld() {
    sigfillset(&all_);
    sigprocmask(SIG_SETMASK, &all_, &before_);
    fd_ = Fd(signalfd(-1, &all_, SFD_CLOEXEC | SFD_NONBLOCK));
  }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;
  ~SignalsHeld() { sigprocmask(SIG_SETMASK, &before_, nullptr); }

  int fd() const { return fd_.get(); }

 private:
  sigset_t all_{}, before_{};
  Fd fd_;
};

// Returns when there is something to do, or at once when there is nothing to pack.
Woken rest_packed(int fd, i64 after_ns) {
  const SignalsHeld signals;
  ColdPages cold;
  i64 next_ns = after_ns;
  i64 spent_ns = 0;
  bool packed = false;
  Woken woken = Woken::by_time;
  while (signals.fd() >= 0 && woken == Woken::by_time) {
    const i64 begun = now_ns();
    const bool more = cold.pack() > 0;
    packed |= more;
    spent_ns += more ? now_ns() - begun : 0;
    if (!packed) return Woken::by_time;
    next_ns = more ? after_ns : std::min(2 * next_ns, look_ns_max);
    woken = wait_for(fd, signals.fd(), next_ns);
  }
  cold.unpack();
  rest_again_ns = spent_ns * packing_share;
  return woken;
}

Woken rest_until_woken(int fd, i64 after_ns) {
  i64 next_ns = std::max(after_ns, after_ns > 0 ? rest_again_ns : 0);
  for (;;) {
    const Woken woken = wait_for(fd, -1, next_ns);
    if (woken != Woken::by_time) return woken;
    if (is_alone()) {
      if (const Woken later = rest_packed(fd, after_ns); later != Woken::by_time) return later;
    }
    next_ns = std::min(2 * next_ns, std::max(look_ns_max, after_ns));
  }
}

}  // namespace

PyObject* rest(PyObject*, PyObject* args) {
  int fd;
  double after;
  if (!PyArg_ParseTuple(args, "id", &fd, &after)) return nullptr;
  const i64 after_ns = static_cast<i64>(after * static_cast<double>(seconds));
  for (;;) {
    Woken woken;
    {
      const WithoutGil released;
      woken = rest_until_woken(fd, after_ns);
    }
    if (woken == Woken::by_fd) Py_RETURN_NONE;
    if (PyErr_CheckSignals() < 0) return nullptr;
  }
}

}  // namespace labcoat::python
