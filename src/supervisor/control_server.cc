#include "supervisor/control_server.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/sealed_file.h"

namespace labcoat::supervisor {
namespace {

constexpr int packet_flags = SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK;
constexpr int connections_waiting = 16;

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

Status make_room(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode)) return fail(path + " is a file that is not a socket");
  const Fd probe(socket(AF_UNIX, packet_flags, 0));
  if (connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return fail("another labcoat listens on " + path);
  }
  unlink(path.c_str());
  return {};
}

}  // namespace

Result<std::unique_ptr<ControlServer>> ControlServer::open(net::Loop& loop, const std::string& path,
                                                           OnRequest on_request) {
  std::unique_ptr<ControlServer> server(new ControlServer(loop, path, std::move(on_request)));
  if (const Status status = server->listen(); !status) return tl::unexpected(status.error());
  return server;
}

Status ControlServer::listen() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) {
    return fail(
        fmt::format("the path {} of the control socket is longer than the {} bytes that "
                    "the kernel takes",
                    path_, sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  if (const Status room = make_room(path_, address); !room) return room;
  Fd socket(::socket(AF_UNIX, packet_flags, 0));
  if (!socket) return fail_errno("cannot create the control socket");
  // From its first moment it is ours alone. We have one thread: nobody else makes files meanwhile.
  const mode_t mask = umask(0177);
  const bool bound = bind(socket.get(), generic(address), sizeof address) == 0;
  const int error = errno;
  umask(mask);
  if (!bound) return fail(fmt::format("cannot create {}: {}", path_, errno_text(error)));
  socket_ = std::move(socket);
  if (::listen(socket_.get(), connections_waiting) != 0)
    return fail_errno("cannot listen on " + path_);
  return loop_.watch(socket_.get(), EPOLLIN, *this);
}

ControlServer::~ControlServer() {
  if (!socket_) return;
  loop_.forget(socket_.get(), *this);
  unlink(path_.c_str());
}

void ControlServer::on_events(u32) {
  for (;;) {
    Fd socket(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket) return;
    if (clients_.size() >= clients_max) {
      spdlog::warn("more than {} clients of the control socket at once: one is hung up on",
                   clients_max);
      continue;
    }
    const int number = ++last_number_;
    auto link = std::make_unique<ControlLink>(
        loop_, net::MessageSocket(std::move(socket)), "a client of the control socket",
        [this, number](const Json& request, auto) { return on_request_(number, request); });
    clients_.push_back({number, std::move(link)});
  }
}

void ControlServer::answer(int client, const Json& message) {
  for (Client& one : clients_) {
    if (one.number == client) one.link->send(message);
  }
}

void ControlServer::answer(int client, const Json& message, const Json& details) {
  const std::string text = details.dump(-1, ' ', false, Json::error_handler_t::replace);
  const auto file = sealed_file("labcoat-answer", text);
  if (!file) {
    answer(client, {{"type", "result"}, {"ok", false}, {"text", file.error().text}});
    return;
  }
  const int fd = file->get();
  for (Client& one : clients_) {
    if (one.number == client) one.link->send(message, {&fd, 1});
  }
}

void ControlServer::sweep() {
  std::erase_if(clients_, [](const Client& client) { return !client.link->is_open(); });
}

}  // namespace labcoat::supervisor
