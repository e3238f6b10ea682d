// What one request costs in a worker: a real zygote and a real worker, with this program in the
// place of supervisor and edge. It keeps some requests in the queue and prints the CPU time of each
// side.
//
//   worker_bench PYTHON DIRECTORY TARGET [REQUESTS [WINDOW [PATH]]]
//
// DIRECTORY is where TARGET (module:callable) lies; the package labcoat is found beside the
// program.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <string>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "channel/edge_port.h"

namespace labcoat {
namespace {

using channel::EdgePort;

struct Pair {
  Fd ours, theirs;
};

Pair make_pair() {
  int ends[2];
  CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
  return {Fd(ends[0]), Fd(ends[1])};
}

void send_json(int socket, const std::string& text, std::vector<int> fds = {}) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 16)] = {};
  if (!fds.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(sizeof(int) * fds.size());
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int) * fds.size());
    std::memcpy(CMSG_DATA(header), fds.data(), sizeof(int) * fds.size());
  }
  CHECK(sendmsg(socket, &message, 0) >= 0);
}

std::string receive_json(int socket) {
  std::string text(65536, '\0');
  const ssize_t got = recv(socket, text.data(), text.size(), 0);
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  return text;
}

i64 process_cpu_ns(pid_t pid) {
  clockid_t clock;
  CHECK(clock_getcpuclockid(pid, &clock) == 0);
  return read_clock_ns(clock);
}

struct Worker {
  pid_t zygote = 0, pid = 0;
  Fd zygote_socket, supervisor_socket, control_socket;
};

Worker start_worker(const char* python, const std::string& package_folder, const char* directory,
                    const char* target, int channel, int doorbell, int edge_doorbell) {
  Worker worker;
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  Pair zygote = make_pair(), supervisor = make_pair(), control = make_pair();
  worker.zygote = fork();
  if (worker.zygote == 0) {
    const std::string boot = "import sys; sys.path.insert(0, '" + package_folder +
                             "'); import labcoat.zygote as z; z.main(int(sys.argv[1]))";
    execlp(python, python, "-c", boot.c_str(), std::to_string(zygote.theirs.get()).c_str(),
           nullptr);
    _exit(127);
  }
  send_json(zygote.ours.get(),
            std::string(R"({"type":"load","app":"bench","gc":"freeze","target":")") + target +
                R"(","directory":")" + directory + "\"}");
  zygote.theirs.reset();
  const std::string loaded = receive_json(zygote.ours.get());
  if (loaded.find("\"loaded\"") == std::string::npos) {
    std::fprintf(stderr, "%s\n", loaded.c_str());
    std::exit(1);
  }
  send_json(zygote.ours.get(),
            R"({"type":"fork","worker":1,"endpoints":[0],"edge_threads":1,)"
            R"("settings":{"threads":1,"stacks_signal":)" +
                std::to_string(SIGRTMAX - 1) + "}}",
            {supervisor.theirs.get(), control.theirs.get(), channel, STDERR_FILENO, doorbell,
             edge_doorbell});
  const std::string forked = receive_json(zygote.ours.get());
  worker.pid = std::atoi(forked.c_str() + forked.find("\"pid\": ") + 7);
  CHECK(receive_json(supervisor.ours.get()).find("hello") != std::string::npos);
  CHECK(receive_json(supervisor.ours.get()).find("ready") != std::string::npos);
  worker.zygote_socket = std::move(zygote.ours);
  worker.supervisor_socket = std::move(supervisor.ours);
  worker.control_socket = std::move(control.ours);
  return worker;
}

void enqueue(EdgePort& port, u64 id, const char* path) {
  const auto slot = port.acquire(&port);
  CHECK(slot.has_value());
  channel::RequestInfo& info = port.info(*slot);
  info = {};
  channel::RequestWriter writer = port.write(*slot);
  CHECK(writer.text({"GET", path, path, "", "127.0.0.1", "127.0.0.1"}));
  CHECK(writer.field("Host", "127.0.0.1:8000") && writer.field("User-Agent", "worker_bench/1") &&
        writer.field("Accept", "*/*"));
  writer.begin_body();
  info.id = id;
  info.received_ns = info.enqueued_ns = now_ns();
  info.server_port = 8000;
  info.remote_port = static_cast<u16>(40000 + id % 64);
  port.enqueue(*slot);
}

// Reads frames to the end; true when the response has ended.
bool read_response(EdgePort& port, u32 slot, bool print) {
  EdgePort::Frame frame;
  for (;;) {
    port.next(slot, frame);
    switch (frame.kind) {
      case EdgePort::Output::nothing_yet:
        return false;
      case EdgePort::Output::head:
        if (print)
          std::printf("%d %s, %lld bytes\n", frame.head.status,
                      std::string(frame.head.reason).c_str(),
                      static_cast<long long>(frame.head.body_bytes));
        break;
      case EdgePort::Output::data:
        port.consumed(slot, frame.data.size() + frame.more.size());
        break;
      case EdgePort::Output::hints:
      case EdgePort::Output::file:
      case EdgePort::Output::trailers:
        break;
      default:
        port.done(slot);
        return true;
    }
  }
}

// Returns when `count` more responses have ended.
void drive(EdgePort& port, int edge_doorbell, u64 count, u64 window, const char* path,
           bool print = false) {
  u64 sent = 0, done = 0;
  while (done < count) {
    while (sent < count && sent - done < window) enqueue(port, ++sent, path);
    port.ring();
    if (port.begin_sleep(false)) {
      u64 rings;
      [[maybe_unused]] const ssize_t got = ::read(edge_doorbell, &rings, sizeof rings);
    }
    port.end_sleep();
    port.for_each_dirty([&](u32 slot) {
      if (read_response(port, slot, print)) ++done;
    });
  }
}

int run(int argc, char** argv) {
  const u64 requests = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : 200000;
  const u64 window = argc > 5 ? std::strtoull(argv[5], nullptr, 10) : 64;
  const char* const path = argc > 6 ? argv[6] : "/";
  const auto self = std::filesystem::canonical("/proc/self/exe");
  const std::string package = self.parent_path().parent_path().parent_path() / "python";
  auto memfd = channel::create_channel({.slots = 256});
  CHECK(memfd.has_value());
  Fd doorbell(eventfd(0, EFD_NONBLOCK)), edge_doorbell(eventfd(0, 0));
  Worker worker = start_worker(argv[1], package, argv[2], argv[3], memfd->get(), doorbell.get(),
                               edge_doorbell.get());
  std::vector<Fd> bells;
  bells.emplace_back(dup(edge_doorbell.get()));
  auto edge = channel::EdgeChannel::open(std::move(*memfd), std::move(bells));
  CHECK(edge.has_value() && (*edge)->add_endpoint(0, std::move(doorbell)));
  EdgePort port(**edge, 0);
  drive(port, edge_doorbell.get(), 1, 1, path, true);
  drive(port, edge_doorbell.get(), 2000, window, path);
  const i64 wall = now_ns(), cpu = process_cpu_ns(worker.pid), own = thread_cpu_ns();
  drive(port, edge_doorbell.get(), requests, window, path);
  const auto each = [requests](i64 ns) { return static_cast<double>(ns) / double(requests); };
  std::printf("worker %.0f ns/request CPU, edge side %.0f ns, wall %.0f ns\n",
              each(process_cpu_ns(worker.pid) - cpu), each(thread_cpu_ns() - own),
              each(now_ns() - wall));
  kill(worker.pid, SIGTERM);
  int status = 0;
  waitpid(worker.pid, &status, 0);
  std::printf("worker exited with %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  kill(worker.zygote, SIGTERM);
  return status;
}

}  // namespace
}  // namespace labcoat

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr,
                 "usage: worker_bench PYTHON DIRECTORY TARGET [REQUESTS [WINDOW [PATH]]]\n");
    return 2;
  }
  return labcoat::run(argc, argv);
}
