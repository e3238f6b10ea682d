#include "lab/keeper.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"

extern char** environ;

namespace labcoat {
namespace {

// What the keeper tells the laboratory, on a pipe; smaller than PIPE_BUF, so never torn.
struct Report {
  enum Kind : int { started, failed, ended } kind;
  int value;  // pid, errno, wait status
};

// Everything the keeper needs, made before fork: after it, only async-signal-safe calls are
// allowed.
struct Prepared {
  const char* path;
  char* const* argv;
  char* const* environment;
  const char* directory;
  int output;
  int control;
  int reports;
};

void report(int fd, Report::Kind kind, int value) {
  const Report message{kind, value};
  (void)!write(fd, &message, sizeof message);
}

[[noreturn]] void become_server(const Prepared& prepared) {
  setpgid(0, 0);
  // Should the keeper itself be killed, the server's main process goes too.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  if (chdir(prepared.directory) == 0) {
    dup2(prepared.output, 1);
    dup2(prepared.output, 2);
    execve(prepared.path, prepared.argv, prepared.environment);
  }
  report(prepared.reports, Report::failed, errno);
  _exit(127);
}

// The keeper is a subreaper: what the server's children leave behind becomes the keeper's child,
// and is killed in turn.
void kill_descendants(pid_t group) {
  kill(-group, SIGKILL);
  for (;;) {
    char buffer[4096];
    const int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : read(fd, buffer, sizeof buffer - 1);
    if (fd >= 0) close(fd);
    pid_t pid = 0;
    for (ssize_t i = 0; i < got; ++i) {
      if (buffer[i] >= '0' && buffer[i] <= '9') {
        pid = pid * 10 + (buffer[i] - '0');
      } else if (pid > 0) {
        kill(pid, SIGKILL);
        pid = 0;
      }
    }
    if (waitpid(-1, nullptr, 0) < 0 && errno == ECHILD) return;
  }
}

[[noreturn]] void keep(const Prepared& prepared) {
  setpgid(0, 0);
  prctl(PR_SET_NAME, "labcoat-keeper");
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  for (int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGQUIT}) std::signal(signal, SIG_IGN);
  // Only the three ends stay open: another trial's pipe held here would hide that the laboratory
  // died.
  const int control = dup2(prepared.control, 3);
  const int reports = dup2(prepared.reports, 4);
  const int output = dup2(prepared.output, 5);
  syscall(SYS_close_range, 6U, ~0U, 0U);
  fcntl(control, F_SETFD, FD_CLOEXEC);
  fcntl(reports, F_SETFD, FD_CLOEXEC);
  const Prepared mine{
      prepared.path, prepared.argv, prepared.environment, prepared.directory, output,
      control,       reports};

  const pid_t server = fork();
  if (server == 0) become_server(mine);
  if (server < 0) {
    report(reports, Report::failed, errno);
    _exit(1);
  }
  setpgid(server, server);
  report(reports, Report::started, server);
  bool running = true;
  for (;;) {
    // The poll's time limit is how soon an end of the server is noticed; a handler would buy
    // little.
    pollfd ready{control, POLLIN, 0};
    const int events = poll(&ready, 1, 10);
    if (events > 0) {
      unsigned char signal = 0;
      const ssize_t got = read(control, &signal, 1);
      if (got == 0) break;
      if (got == 1 && running) kill(server, signal);
    }
    int status = 0;
    for (pid_t ended; (ended = waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended != server) continue;
      running = false;
      report(reports, Report::ended, status);
    }
  }
  kill_descendants(server);
  _exit(0);
}

Result<std::string> find_program(const std::string& name, const std::string& directory) {
  if (name.find('/') != std::string::npos) {
    const std::string path = name[0] == '/' ? name : directory + "/" + name;
    if (access(path.c_str(), X_OK) == 0) return path;
    return fail_errno("cannot run " + path);
  }
  const char* path = std::getenv("PATH");
  for (std::string_view folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    std::string candidate = std::string(folder) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return fail(fmt::format("there is no program '{}' on PATH; is it installed?", name));
}

std::vector<std::string> merged_environment(const Command& command) {
  std::vector<std::string> out;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced =
        std::any_of(command.environment.begin(), command.environment.end(),
                    [&](const auto& pair) { return std::string_view(pair.first) == name; });
    if (!replaced) out.emplace_back(text);
  }
  for (const auto& [name, value] : command.environment) {
    out.push_back(fmt::format("{}={}", name, value));
  }
  return out;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

}  // namespace

Result<std::unique_ptr<Keeper>> Keeper::start(const Command& command) {
  auto path = find_program(command.argv.at(0), command.directory);
  if (!path) return tl::unexpected(path.error());
  struct stat info;
  if (stat(command.directory.c_str(), &info) != 0) {
    return fail_errno("cannot run in " + command.directory);
  }
  const Fd output(
      open(command.output_path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644));
  if (!output) return fail_errno("cannot write " + command.output_path);
  int control[2];
  int reports[2];
  if (pipe2(control, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
  Fd control_read(control[0]);
  Fd control_write(control[1]);
  if (pipe2(reports, O_CLOEXEC) != 0) return fail_errno("cannot make a pipe");
  Fd reports_read(reports[0]);
  Fd reports_write(reports[1]);

  std::vector<std::string> argv_texts = command.argv;
  std::vector<std::string> environment_texts = merged_environment(command);
  const std::vector<char*> argv = pointers(argv_texts);
  const std::vector<char*> environment = pointers(environment_texts);
  // Numbers 3 to 5 will be the keeper's; the ends move out of the way so that no dup2 closes a
  // source.
  const Fd spare_control(fcntl(control_read.get(), F_DUPFD_CLOEXEC, 10));
  const Fd spare_reports(fcntl(reports_write.get(), F_DUPFD_CLOEXEC, 10));
  const Fd spare_output(fcntl(output.get(), F_DUPFD_CLOEXEC, 10));
  const Prepared prepared{
      path->c_str(),      argv.data(),         environment.data(), command.directory.c_str(),
      spare_output.get(), spare_control.get(), spare_reports.get()};
  std::unique_ptr<Keeper> keeper(new Keeper);
  const pid_t pid = fork();
  if (pid < 0) return fail_errno("cannot start a process");
  if (pid == 0) keep(prepared);
  keeper->keeper_pid_ = pid;
  keeper->control_ = std::move(control_write);
  keeper->reports_ = std::move(reports_read);
  Report first{};
  if (read(keeper->reports_.get(), &first, sizeof first) != sizeof first ||
      first.kind != Report::started) {
    errno = first.value;
    return fail_errno("cannot start " + command.argv[0]);
  }
  keeper->server_pid_ = first.value;
  return keeper;
}

Keeper::~Keeper() {
  kill_all();
}

void Keeper::send_signal(int signal) {
  const auto byte = static_cast<unsigned char>(signal);
  if (control_) (void)!write(control_.get(), &byte, 1);
}

std::optional<int> Keeper::wait_exit(i64 timeout_ns) {
  const i64 deadline = now_ns() + timeout_ns;
  while (!exit_status_ && reports_) {
    const i64 left_ns = std::max<i64>(0, deadline - now_ns());
    pollfd ready{reports_.get(), POLLIN, 0};
    const int events = poll(&ready, 1, static_cast<int>((left_ns + ms - 1) / ms));
    if (events < 0 && errno == EINTR) continue;
    if (events <= 0) return std::nullopt;
    Report next{};
    if (read(reports_.get(), &next, sizeof next) != sizeof next) {
      // The keeper itself is gone; whatever it kept died with it.
      exit_status_ = SIGKILL;
    } else if (next.kind == Report::ended) {
      exit_status_ = next.value;
    }
  }
  return exit_status_;
}

void Keeper::kill_all() {
  control_.reset();
  if (keeper_pid_ > 0) {
    while (waitpid(keeper_pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    keeper_pid_ = -1;
  }
}

std::string describe_exit(int wait_status) {
  if (WIFEXITED(wait_status)) return fmt::format("exit code {}", WEXITSTATUS(wait_status));
  const int signal = WTERMSIG(wait_status);
  return fmt::format("signal {} ({})", signal, strsignal(signal));
}

}  // namespace labcoat
