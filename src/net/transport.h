// Transport: the bytes between us and one client, in clear or (once there is one) through TLS. The
// calls are those of the sockets API and, like them, never wait: -1 with errno EAGAIN means later.
#pragma once

#include <cerrno>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/fd.h"

namespace labcoat::net {

// One connected, non-blocking stream socket. Not thread-safe.
class Transport {
 public:
  explicit Transport(Fd socket) : socket_(std::move(socket)) {}

  int fd() const { return socket_.get(); }

  // 0: the client sends no more.
  ssize_t receive(char* out, size_t room) {
    ssize_t got;
    do {
      got = ::recv(socket_.get(), out, room, 0);
    } while (got < 0 && errno == EINTR);
    return got;
  }
  // A receive that did not fill its room has emptied the socket, so that another would be in vain.
  bool short_read_means_empty() const { return true; }

  // Sends the pieces in order; `more` says that bytes follow at once.
  ssize_t send(const iovec* pieces, size_t count, bool more) {
    const int flags = MSG_NOSIGNAL | (more ? MSG_MORE : 0);
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
    off_t at = offset;
    ssize_t sent;
    do {
      sent = ::sendfile(socket_.get(), file, &at, bytes);
    } while (sent < 0 && errno == EINTR);
    return sent;
  }

  // We send no more; the client may.
  void shut_our_side() { ::shutdown(socket_.get(), SHUT_WR); }
  // The end will be a reset: what was sent is not to be taken for the whole.
  void end_with_reset() {
    const linger reset{1, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  void close() { socket_.reset(); }

 private:
  Fd socket_;
};

}  // namespace labcoat::net
