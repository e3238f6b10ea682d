#include "bench/null_responder.h"

#include <array>
#include <cerrno>
#include <netinet/in.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <vector>

namespace labcoat::bench {
namespace {

constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, world!\n";

bool watch(int epoll, int fd, u32 events) {
  epoll_event event{.events = events, .data = {.fd = fd}};
  return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
}

// False when the client is gone.
bool answer_one(int client) {
  std::array<char, 16384> buffer;
  const ssize_t got = recv(client, buffer.data(), buffer.size(), 0);
  if (got <= 0) return got < 0 && errno == EAGAIN;
  return send(client, answer.data(), answer.size(), MSG_NOSIGNAL) > 0;
}

}  // namespace

Result<std::unique_ptr<NullResponder>> NullResponder::start() {
  std::unique_ptr<NullResponder> made(new NullResponder());
  if (const Status listening = made->listen(); !listening) {
    return tl::unexpected<Error>(listening.error());
  }
  made->thread_ = std::thread([responder = made.get()] { responder->answer_until_told(); });
  return made;
}

NullResponder::~NullResponder() {
  if (!thread_.joinable()) return;
  eventfd_write(goodbye_.get(), 1);
  thread_.join();
}

Status NullResponder::listen() {
  listener_ = Fd(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  epoll_ = Fd(epoll_create1(EPOLL_CLOEXEC));
  goodbye_ = Fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (!listener_ || !epoll_ || !goodbye_ || bind(listener_.get(), generic, size) != 0 ||
      ::listen(listener_.get(), SOMAXCONN) != 0 ||
      getsockname(listener_.get(), generic, &size) != 0 ||
      !watch(epoll_.get(), listener_.get(), EPOLLIN) ||
      !watch(epoll_.get(), goodbye_.get(), EPOLLIN)) {
    return fail_errno("cannot listen on 127.0.0.1 to calibrate");
  }
  port_ = ntohs(address.sin_port);
  return {};
}

void NullResponder::answer_until_told() {
  std::vector<Fd> clients;  // by descriptor, so that all are closed at the end
  std::array<epoll_event, 256> events;
  for (;;) {
    const int count = epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == goodbye_.get()) return;
      if (fd != listener_.get()) {
        if (!answer_one(fd)) clients[static_cast<size_t>(fd)].reset();
        continue;
      }
      Fd client(accept4(fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!client || !watch(epoll_.get(), client.get(), EPOLLIN | EPOLLET)) continue;
      const auto index = static_cast<size_t>(client.get());
      if (clients.size() <= index) clients.resize(index + 1);
      clients[index] = std::move(client);
    }
  }
}

}  // namespace labcoat::bench
