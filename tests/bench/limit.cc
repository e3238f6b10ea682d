// The limit of one core: a bare epoll loop that answers whatever arrives with one fixed response,
// without parsing. No web server can be faster on the same kernel; `make bench` gives every
// server's rate as a share of this one's.
//
// One answer for each recv is right only for clients with one small request in flight per
// connection, such as labcoat bench and wrk. Edge-triggered and one recv per request: a short read
// says that the socket is empty.
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string_view>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

// The same body, and about as many head bytes, as the WSGI hello world of tests/bench/peers.
constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\n"
    "Content-Type: text/plain\r\n"
    "Content-Length: 14\r\n"
    "Server: limit\r\n"
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    "\r\n"
    "Hello, world!\n";

[[noreturn]] void stop_with_errno(const char* what) {
  std::perror(what);
  std::exit(1);
}

int listen_on_loopback(int port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener < 0) stop_with_errno("socket");
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(listener, generic, size) != 0) stop_with_errno("bind");
  if (listen(listener, 4096) != 0) stop_with_errno("listen");
  getsockname(listener, generic, &size);
  std::printf("ready http://127.0.0.1:%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

void accept_all(int listener, int epoll) {
  for (;;) {
    const int client = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int on = 1;
    setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.fd = client}};
    epoll_ctl(epoll, EPOLL_CTL_ADD, client, &event);
  }
}

void answer_one(int client) {
  std::array<char, 16384> buffer;
  const ssize_t got = recv(client, buffer.data(), buffer.size(), 0);
  if (got > 0) {
    // 150 bytes always fit the send buffer of a client that waits for them.
    if (send(client, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) close(client);
  } else if (got == 0 || errno != EAGAIN) {
    close(client);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  const int listener = listen_on_loopback(argc > 1 ? std::atoi(argv[1]) : 0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) != 0) stop_with_errno("epoll_ctl");
  std::array<epoll_event, 512> events;
  for (;;) {
    const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      if (events[i].data.fd == listener) {
        accept_all(listener, epoll);
      } else {
        answer_one(events[i].data.fd);
      }
    }
  }
}
