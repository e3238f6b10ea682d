#include "config/python.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

#include "base/clock.h"
#include "base/fd.h"
#include "base/text.h"

namespace labcoat::config {
namespace {

constexpr int minor_min = 11;
constexpr i64 answer_timeout = 20 * seconds;

struct Allocator {
  const char* name;
  const char* library;
  const char* package;
};
constexpr Allocator allocators[] = {{"jemalloc", "libjemalloc.so.2", "libjemalloc2"},
                                    {"mimalloc", "libmimalloc.so.2", "libmimalloc2.0"}};

const Allocator* find_allocator(std::string_view name) {
  for (const Allocator& allocator : allocators) {
    if (name == allocator.name) return &allocator;
  }
  return nullptr;
}

// Three lines: version (with a t for a free-threaded build), executable, and whether the library
// named by the last argument is in this process.
constexpr const char* question =
    "import sys\n"
    "print('%d.%d.%d' % sys.version_info[:3] + 't' * ('t' in getattr(sys, 'abiflags', '')))\n"
    "print(sys.executable)\n"
    "library = sys.argv[1]\n"
    "with open('/proc/self/maps') as maps:\n"
    "    print('yes' if not library or library in maps.read() else 'no')\n";

bool is_runnable(const std::string& path) {
  return access(path.c_str(), X_OK) == 0;
}

std::string find_on_path(std::string_view name, const std::string& path) {
  for (const std::string_view directory : split(path, ':')) {
    std::string candidate = fmt::format("{}/{}", directory.empty() ? "." : directory, name);
    if (is_runnable(candidate)) return candidate;
  }
  return "";
}

struct Choice {
  std::string path;
  std::string source;
};

Result<Choice> choose(const App& app, const PythonPlaces& places) {
  constexpr auto advice = "name one with --python PATH";
  if (app.python.find('/') != std::string::npos) {
    if (is_runnable(app.python)) return Choice{app.python, app.python_source};
    return fail(fmt::format("{}: the Python interpreter {} {}", app.python_source, app.python,
                            errno == ENOENT ? "does not exist" : "cannot be run"));
  }
  if (!app.python.empty()) {
    const std::string path = find_on_path(app.python, places.path);
    if (!path.empty()) return Choice{path, app.python_source};
    return fail(fmt::format("{}: there is no Python interpreter '{}' on PATH", app.python_source,
                            app.python));
  }
  if (!places.virtual_env.empty()) {
    const std::string path = places.virtual_env + "/bin/python3";
    if (is_runnable(path)) return Choice{path, "VIRTUAL_ENV"};
    return fail(
        fmt::format("VIRTUAL_ENV is {}, but there is no {}; {}", places.virtual_env, path, advice));
  }
  const std::string path = find_on_path("python3", places.path);
  if (!path.empty()) return Choice{path, "python3 on PATH"};
  return fail(fmt::format(
      "there is no python3 on PATH; install it (apt-get install python3), or {}", advice));
}

// What it writes, to the end of file; killed when it says nothing for too long.
std::string read_answer(int fd, pid_t pid) {
  std::string text;
  const i64 deadline = now_ns() + answer_timeout;
  for (;;) {
    pollfd readable{fd, POLLIN, 0};
    const i64 left = (deadline - now_ns()) / ms;
    if (left <= 0 || poll(&readable, 1, static_cast<int>(left)) == 0) {
      kill(pid, SIGKILL);
      return text;
    }
    char buffer[4096];
    const ssize_t got = read(fd, buffer, sizeof buffer);
    if (got == 0 || (got < 0 && errno != EINTR)) return text;
    if (got > 0) text.append(buffer, static_cast<size_t>(got));
  }
}

Result<std::string> ask(const std::string& python, const std::vector<std::string>& environment,
                        const std::string& library) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno("cannot create a pipe");
  const Fd reading(ends[0]);
  Fd writing(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, writing.get(), STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> pointers;
  for (const std::string& variable : environment) {
    pointers.push_back(const_cast<char*>(variable.c_str()));
  }
  pointers.push_back(nullptr);
  const char* argv[] = {python.c_str(), "-S", "-c", question, library.c_str(), nullptr};
  pid_t pid = 0;
  const int error = posix_spawn(&pid, python.c_str(), &actions, nullptr,
                                const_cast<char* const*>(argv), pointers.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return fail(fmt::format("cannot run {}: {}", python, errno_text(error)));
  writing.reset();
  std::string answer = read_answer(reading.get(), pid);
  waitpid(pid, nullptr, 0);
  return answer;
}

Status check_version(std::string_view version, const Choice& choice) {
  const auto parts = split(version, '.');
  const auto major = parts.size() == 3 ? parse_int(parts[0]) : fail("");
  const auto minor = parts.size() == 3 ? parse_int(parts[1]) : fail("");
  if (major && minor && version.back() == 't') {
    return fail(
        fmt::format("{} (from {}) is Python {} without the interpreter's lock, which has no stable "
                    "ABI; name one with the lock (python{}.{}) with --python PATH",
                    choice.path, choice.source, version, *major, *minor));
  }
  if (major && minor && (*major > 3 || (*major == 3 && *minor >= minor_min))) return {};
  if (!major || !minor) {
    return fail(
        fmt::format("{} (from {}) does not answer like a Python interpreter; name another "
                    "with --python PATH",
                    choice.path, choice.source));
  }
  return fail(
      fmt::format("{} (from {}) is Python {}; Labcoat needs 3.{} or newer: name another with "
                  "--python PATH",
                  choice.path, choice.source, version, minor_min));
}

Status check_library(std::string_view found, const App& app) {
  const Allocator* allocator = find_allocator(app.allocator);
  if (allocator == nullptr || found == "yes") return {};
  return fail(
      fmt::format("allocator = {} needs {}, which the dynamic loader does not find; install "
                  "it (apt-get install {}), or use allocator = glibc",
                  app.allocator, allocator->library, allocator->package));
}

Status find_interpreter(App& app, const PythonPlaces& places) {
  const auto choice = choose(app, places);
  if (!choice) return tl::unexpected(choice.error());
  const auto answer = ask(choice->path, worker_environment(app), preload_of(app.allocator));
  if (!answer) return tl::unexpected(answer.error());
  const auto lines = split(trim(*answer), '\n');
  if (const Status status = check_version(lines[0], *choice); !status) return status;
  if (lines.size() != 3) return check_version("", *choice);
  if (const Status status = check_library(lines[2], app); !status) return status;
  // What a shim or a name stands for; the path within a virtual environment stays.
  app.python = lines[1].empty() ? choice->path : std::string(lines[1]);
  app.python_source = choice->source;
  return {};
}

}  // namespace

Status find_interpreters(Config& config, const PythonPlaces& places) {
  for (App& app : config.apps) {
    if (Status status = find_interpreter(app, places); !status) return status;
  }
  return {};
}

std::string preload_of(const std::string& allocator) {
  const Allocator* found = find_allocator(allocator);
  return found == nullptr ? "" : found->library;
}

std::vector<std::string> worker_environment(const App& app) {
  std::map<std::string, std::string> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const size_t equals = text.find('=');
    if (equals != text.npos) variables.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  for (const auto& [name, value] : app.environment) variables[name] = value;
  if (const std::string library = preload_of(app.allocator); !library.empty()) {
    std::string& preload = variables["LD_PRELOAD"];
    preload = preload.empty() ? library : library + ":" + preload;
  }
  std::vector<std::string> out;
  for (const auto& [name, value] : variables) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

}  // namespace labcoat::config
