#include "edge/proxy_header.h"

#include <cerrno>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "http/proxy_protocol.h"

namespace labcoat::edge {

void ProxyHeader::start() {
  if (!thread_.rules()->proxies.trusts(client_) || !watch(EPOLLIN | EPOLLRDHUP)) {
    refuse();
    return;
  }
  thread_.header_timeouts.arm(*this, thread_.now());
}

// Bytes are only looked at until the header is whole; then exactly its own are taken, so that TLS
// or HTTP find the stream as if nothing had been before them.
void ProxyHeader::on_events(u32 events) {
  std::vector<char>& scratch = thread_.input();
  const ssize_t got =
      ::recv(transport_.fd(), scratch.data(), http::proxy_header_bytes_max, MSG_PEEK);
  if (got < 0 && (errno == EAGAIN || errno == EINTR) && (events & (EPOLLERR | EPOLLHUP)) == 0) {
    return;
  }
  if (got <= 0) {
    end_connection();
    return;
  }
  http::ProxyHeader header;
  size_t used = 0;
  switch (http::parse_proxy_header({scratch.data(), static_cast<size_t>(got)}, header, used)) {
    case http::Parsed::need_more:
      if ((events & EPOLLRDHUP) != 0) refuse();
      return;
    case http::Parsed::bad:
      refuse();
      return;
    case http::Parsed::done:
      break;
  }
  if (transport_.receive(scratch.data(), used) != static_cast<ssize_t>(used)) {
    end_connection();
    return;
  }
  unwatch();
  if (header.client) client_.speak_for(*header.client);
  if (header.tls) client_.https_by_proxy = true;
  thread_.admit(*this, std::move(transport_), client_);
}

void ProxyHeader::on_timeout() {
  thread_.count().timeout_head.add();
  end_connection();
}

void ProxyHeader::refuse() {
  thread_.count().proxy_refused.add();
  end_connection();
}

}  // namespace labcoat::edge
