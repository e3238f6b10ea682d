// Transport: the bytes between us and one client, in clear or through TLS. The calls are those of
// the sockets API and, like them, never wait: -1 with errno EAGAIN means later. A client in clear
// pays one comparison for the others' TLS. Where the kernel makes the records, what is sent goes
// the way of clear bytes.
#pragma once

#include <cerrno>
#include <memory>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/clock.h"
#include "base/fd.h"
#include "net/tls_stream.h"

namespace labcoat::net {

// One connected, non-blocking stream socket. Not thread-safe.
class Transport {
 public:
  explicit Transport(Fd socket) : socket_(std::move(socket)) {}
  // `tls` is of this socket, and its handshake is done.
  Transport(Fd socket, std::unique_ptr<TlsStream> tls)
      : socket_(std::move(socket)), tls_(std::move(tls)) {}

  int fd() const { return socket_.get(); }

  // Of a transport in clear, which is of no use afterwards.
  Fd take_socket() { return std::move(socket_); }

  // 0: the client sends no more.
  ssize_t receive(char* out, size_t room) {
    if (tls_) [[unlikely]]
      return tls_->receive(out, room);
    ssize_t got;
    do {
      got = ::recv(socket_.get(), out, room, 0);
    } while (got < 0 && errno == EINTR);
    return got;
  }
  // The last receive did not fill its room: has it emptied the socket, so that another would be in
  // vain?
  bool short_read_means_empty() const { return !tls_ || tls_->is_drained(); }
  // A receive that said "later" should be tried again also when the socket takes bytes again.
  bool receive_waits_for_room() const { return tls_ && tls_->receive_waits_for_room(); }

  // Sends the pieces in order, or some of their bytes. What was not taken must come first in the
  // next call.
  ssize_t send(const iovec* pieces, size_t count, Next next) {
    if (seals()) [[unlikely]]
      return tls_->send(pieces, count, next);
    // The end does not close a record that the kernel has left open for more.
    const bool wait = next == Next::bytes || (next == Next::end && !tls_);
    const int flags = MSG_NOSIGNAL | (wait ? MSG_MORE : 0);
    ssize_t sent;
    do {
      if (count == 1) {
        sent = ::send(socket_.get(), pieces->iov_base, pieces->iov_len, flags);
      } else {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(pieces);
        message.msg_iovlen = count;
        sent = ::sendmsg(socket_.get(), &message, flags);
      }
    } while (sent < 0 && errno == EINTR);
    return sent;
  }

  // 0: the file has nothing at this offset.
  ssize_t send_file(int file, i64 offset, size_t bytes) {
    if (seals()) [[unlikely]]
      return tls_->send_file(file, offset, bytes);
    off_t at = offset;
    ssize_t sent;
    do {
      sent = ::sendfile(socket_.get(), file, &at, bytes);
    } while (sent < 0 && errno == EINTR);
    return sent;
  }

  // Once, when the connection begins and what was read ahead is dealt with: an answer to it may
  // have taken the last of the handshake along.
  void push() {
    if (tls_) tls_->push();
  }

  // That we send no more, in words of TLS. False: the socket has no room for them, or not even for
  // what came before; call again when it has.
  bool say_end() { return !tls_ || tls_->end(); }
  // We send no more; the client may. False: as say_end().
  bool shut_our_side() {
    if (!say_end()) return false;
    ::shutdown(socket_.get(), SHUT_WR);
    return true;
  }
  // The end will be a reset: what was sent is not to be taken for the whole.
  void end_with_reset() {
    if (tls_) tls_->cut();
    const linger reset{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  void close() {
    if (tls_) {
      tls_->end();
      tls_.reset();
    }
    socket_.reset();
  }

 private:
  bool seals() const { return tls_ && !tls_->kernel_sends(); }

  Fd socket_;
  std::unique_ptr<TlsStream> tls_;  // none: in clear
};

}  // namespace labcoat::net
