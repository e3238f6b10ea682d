#include "edge/tls_handshake.h"

#include <sys/epoll.h>

#include "edge/tls_keeper.h"

namespace labcoat::edge {
namespace {

constexpr std::string_view speaks_http =
    "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n"
    "Content-Length: 50\r\n\r\n400 Bad Request: this port speaks https, not http\n";

}  // namespace

TlsHandshake::TlsHandshake(EdgeThread& thread, net::Transport transport,
                           const clients::Client& client)
    : SocketConnection(thread, std::move(transport), client),
      context_(thread.shared().tls->current()) {}

void TlsHandshake::start(std::string_view read_ahead) {
  stream_ = context_->accept(transport_.fd(), read_ahead);
  if (!stream_ || !watch()) {
    close();
    return;
  }
  // The whole handshake, not each of its steps.
  thread_.header_timeouts.arm(*this, thread_.now());
  if (!read_ahead.empty()) go_on();
}

void TlsHandshake::on_events(u32 events) {
  if ((events & (EPOLLERR | EPOLLHUP)) != 0) {
    thread_.count().tls_failed.add();
    close();
    return;
  }
  go_on();
}

void TlsHandshake::go_on() {
  switch (stream_->handshake()) {
    case net::TlsStream::Handshake::later:
      return;
    case net::TlsStream::Handshake::done:
      done();
      return;
    case net::TlsStream::Handshake::plain_http:
      explain_https();
      break;
    case net::TlsStream::Handshake::failed:
      break;
  }
  thread_.count().tls_failed.add();
  close();
}

void TlsHandshake::done() {
  unwatch();
  Counters& count = thread_.count();
  count.tls_handshakes.add();
  if (stream_->is_resumed()) count.tls_resumed.add();
  if (stream_->kernel_sends()) count.tls_kernel.add();
  client_.tls_version = stream_->version();
  client_.certificate = stream_->client_certificate();
  const bool http2 = stream_->alpn() == "h2";
  net::Transport encrypted(transport_.take_socket(), std::move(stream_));
  // A request that came together with the end of the handshake is in here already: no event will
  // tell of it.
  std::vector<char>& scratch = thread_.input();
  const ssize_t got = encrypted.receive(scratch.data(), scratch.size());
  const size_t bytes = got > 0 ? static_cast<size_t>(got) : 0;
  count.bytes_in.add(bytes);
  thread_.hand_over(*this, std::move(encrypted), client_,
                    http2 ? EdgeThread::Protocol::http2 : EdgeThread::Protocol::http1,
                    {scratch.data(), bytes});
}

// Somebody has typed http:// and the port of https.
void TlsHandshake::explain_https() {
  const iovec piece{const_cast<char*>(speaks_http.data()), speaks_http.size()};
  transport_.send(&piece, 1, net::Next::end);
  transport_.shut_our_side();
  // What is left unread would make the end a reset, which overtakes the answer.
  while (transport_.receive(thread_.input().data(), thread_.input().size()) > 0) {
  }
}

// Accepted a moment ago: its first request may be on its way.
void TlsHandshake::drain() {
  thread_.linger_timeouts.arm(*this, thread_.now());
}

void TlsHandshake::on_timeout() {
  thread_.count().timeout_tls.add();
  close();
}

void TlsHandshake::close() {
  stream_.reset();
  end_connection();
}

}  // namespace labcoat::edge
