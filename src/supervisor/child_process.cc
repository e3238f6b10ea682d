#include "supervisor/child_process.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

namespace labcoat::supervisor {
namespace {

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> out;
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

void reset_signals() {
  for (const int number :
       {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU, SIGQUIT}) {
    signal(number, SIG_DFL);
  }
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
}

void bind_to(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(static_cast<size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);  // the CPU may have gone offline: then anywhere
}

// Between fork and exec; the parent has one thread, so ordinary calls are safe. Returns only on
// failure.
void become(char* const* argv, char* const* environment, const SpawnOptions& options,
            pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);  // it died before the line above
  setpgid(0, 0);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null >= 0) dup2(null, STDIN_FILENO);
  // Ours are close-on-exec by birth; those that our own parent left open are not. (Before
  // Linux 5.11 they stay.)
  close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
  if (options.inherited_fd >= 0) fcntl(options.inherited_fd, F_SETFD, 0);
  bind_to(options.cpus);
  reset_signals();
  execve(argv[0], argv, environment);
}

}  // namespace

Result<pid_t> spawn(const Command& command, const SpawnOptions& options) {
  std::vector<std::string> words = command.argv;
  if (options.inherited_fd >= 0) words.push_back(std::to_string(options.inherited_fd));
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> environment = pointers(command.environment);
  // Closed by a successful exec; otherwise carries its errno.
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) return fail_errno("cannot create a pipe");
  const Fd reading(report[0]);
  Fd writing(report[1]);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return fail_errno("cannot fork");
  if (pid == 0) {
    become(argv.data(), environment.data(), options, parent);
    const int error = errno;
    [[maybe_unused]] const ssize_t wrote = write(writing.get(), &error, sizeof error);
    _exit(127);
  }
  writing.reset();
  int error = 0;
  ssize_t got;
  do {
    got = read(reading.get(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof error)) {
    waitpid(pid, nullptr, 0);
    return fail(fmt::format("cannot run {}: {}", words[0], errno_text(error)));
  }
  return pid;
}

std::string describe_exit(int status) {
  if (WIFEXITED(status)) return fmt::format("exited with status {}", WEXITSTATUS(status));
  if (WIFSIGNALED(status)) {
    const char* name = sigabbrev_np(WTERMSIG(status));
    return name == nullptr ? fmt::format("was killed by signal {}", WTERMSIG(status))
                           : fmt::format("was killed by SIG{}", name);
  }
  return fmt::format("ended with status {:#x}", status);
}

}  // namespace labcoat::supervisor
