// The supervisor with an edge and a zygote of this test, which speak docs/formats/control.md and do
// what real ones do only when something is very wrong.
#include "supervisor/supervisor.h"

#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/text.h"
#include "channel/channel.h"

namespace labcoat::supervisor {
namespace {

namespace fs = std::filesystem;

// It says of the first worker's endpoints that they are corrupt, once that one is known to live;
// then it notes who is gone.
constexpr const char* edge_code = R"(
import json, socket, sys
control = socket.socket(fileno=int(sys.argv[-1]))
control.setblocking(True)
def send(message): control.sendall(json.dumps(message).encode())
control.recv(65536)
send({"type": "ready"})
first = None
while True:
    message = control.recv(65536)
    if not message: break
    message = json.loads(message)
    if message["type"] == "worker" and first is None:
        first = message["endpoints"]
        import os, time
        while not os.path.exists("ready"): time.sleep(0.002)
        send({"type": "corrupt", "app": "shop", "endpoints": first})
    if message["type"] == "worker_gone":
        if message["endpoints"] == first: open("first_is_gone", "w").close()
        send({"type": "endpoints_free", "app": "shop", "endpoints": message["endpoints"]})
    if message["type"] in ("drain", "stop"): break
)";

// Its workers do nothing at all.
constexpr const char* zygote_code = R"(
import json, os, signal, socket, sys
control = socket.socket(fileno=int(sys.argv[-1]))
control.setblocking(True)
def send(peer, message): peer.sendall(json.dumps(message).encode())
control.recv(65536)
send(control, {"type": "loaded", "interface": "wsgi", "python": "3", "executable": "x"})
while True:
    message, fds, _, _ = socket.recv_fds(control, 65536, 253)
    if not message: break
    if os.fork() == 0:
        if os.fork() != 0: os._exit(0)
        control.close()
        peer = socket.socket(fileno=fds[0])
        peer.setblocking(True)
        send(peer, {"type": "hello", "pid": os.getpid()})
        send(peer, {"type": "ready"})
        peer.recv(1)
        os._exit(0)
    os.wait()
    for fd in fds: os.close(fd)
)";

config::Config one_app(const std::string& directory) {
  config::Config config;
  config::Listen listen;
  listen.kind = config::Listen::Kind::unix_socket;
  listen.path = directory + "/socket";
  listen.url = "unix:" + listen.path;
  config.listen.push_back(listen);
  config::App app;
  app.name = "shop";
  app.directory = directory;
  config.apps.push_back(app);
  return config;
}

// Runs in a process of its own: a supervisor takes over its process's signals and orphans.
int supervise(const std::string& directory) {
  if (chdir(directory.c_str()) != 0) return 100;
  Recipe recipe;
  recipe.edge = {{"/usr/bin/python3", "-c", edge_code}, {}};
  recipe.zygote = [](const config::App&) {
    return Command{{"/usr/bin/python3", "-c", zygote_code}, {}};
  };
  recipe.create_channel = [](const config::App&, const config::Config&) {
    return channel::create_channel({});
  };
  recipe.on_ready = [](const auto&, const auto&) {
    [[maybe_unused]] const Status written = write_file("ready", "");
  };
  auto supervisor = Supervisor::create(one_app(directory), std::move(recipe));
  return supervisor ? (*supervisor)->run() : 101;
}

TEST(Supervisor, ends_a_worker_that_the_edge_calls_corrupt) {
  std::string pattern = (fs::temp_directory_path() / "labcoat-supervisor-XXXXXX").string();
  const std::string directory = mkdtemp(pattern.data());
  const pid_t pid = fork();
  if (pid == 0) _exit(supervise(directory));
  const i64 deadline = now_ns() + 60 * seconds;
  while (!fs::exists(directory + "/first_is_gone") && now_ns() < deadline &&
         waitpid(pid, nullptr, WNOHANG) == 0) {
    usleep(2000);
  }
  EXPECT_TRUE(fs::exists(directory + "/first_is_gone"));
  kill(pid, SIGINT);
  int status = 0;
  waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  fs::remove_all(directory);
}

}  // namespace
}  // namespace labcoat::supervisor
