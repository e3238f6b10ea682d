#include "python/double_fork.h"

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

namespace labcoat::python {
namespace {

// What the process between tells the zygote. Shorter than PIPE_BUF, so it comes whole.
struct Birth {
  pid_t pid = -1;
  int error = 0;  // of fork
};

// docs/formats/control.md, worker to supervisor. The zygote may be dead by now: then this is the
// only word of our birth.
bool say_hello(int supervisor) {
  char text[64];
  const int bytes = std::snprintf(text, sizeof text, R"({"type":"hello","pid":%d})", getpid());
  return send(supervisor, text, static_cast<size_t>(bytes), MSG_NOSIGNAL) == bytes;
}

// Runs in the process between, which forks and goes: it has a copy of everything, and runs none of
// it. Returns in the worker only.
void fork_again(int report, int supervisor) {
  Birth birth;
  birth.pid = fork();
  if (birth.pid == 0) {
    if (!say_hello(supervisor)) _exit(1);
    return;
  }
  birth.error = birth.pid < 0 ? errno : 0;
  [[maybe_unused]] const ssize_t wrote = write(report, &birth, sizeof birth);
  _exit(0);
}

// To a fixed length, not to the end: whoever the app forks in its hooks may hold the other end too.
Birth read_birth(int report) {
  Birth birth;
  ssize_t got;
  do {
    got = read(report, &birth, sizeof birth);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof birth)) return birth;
  return {.pid = -1, .error = ECHILD};  // killed before it could say a word
}

}  // namespace

PyObject* fork_worker(PyObject*, PyObject* supervisor) {
  const long socket = PyLong_AsLong(supervisor);
  if (socket == -1 && PyErr_Occurred()) return nullptr;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return PyErr_SetFromErrno(PyExc_OSError);
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  PyOS_BeforeFork();
  const pid_t middle = fork();
  if (middle == 0) {
    fork_again(writing.get(), static_cast<int>(socket));
    writing.reset();
    PyOS_AfterFork_Child();
    return PyLong_FromLong(0);
  }
  Birth birth{.pid = -1, .error = errno};
  writing.reset();
  if (middle > 0) {
    birth = read_birth(reading.get());
    while (waitpid(middle, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  PyOS_AfterFork_Parent();
  if (birth.pid > 0) return PyLong_FromLong(birth.pid);
  errno = birth.error;
  return PyErr_SetFromErrno(PyExc_OSError);
}

}  // namespace labcoat::python
