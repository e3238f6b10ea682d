#include "channel/control_message.h"

#include <cerrno>
#include <cstring>
#include <sys/socket.h>

namespace labcoat::channel {

Status send_message(int socket, const Message& message, int fd) {
  iovec part{const_cast<Message*>(&message), sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (fd >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &fd, sizeof fd);
  }
  for (;;) {
    if (::sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return {};
    if (errno != EINTR) return fail_errno("cannot send over a worker's control socket");
  }
}

Received receive_message(int socket, Message& message, Fd& fd) {
  fd.reset();
  iovec part{&message, sizeof message};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  // Room for more descriptors than are ever sent, so that extra ones arrive and are closed instead
  // of leaking.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * 8)];
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t got;
  do {
    got = ::recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return errno == EAGAIN ? Received::nothing_yet : Received::closed;
  for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights; rights = CMSG_NXTHDR(&header, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
    const size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t i = 0; i < count; ++i) {
      int received;
      std::memcpy(&received, CMSG_DATA(rights) + i * sizeof received, sizeof received);
      fd = Fd(received);
    }
  }
  // MSG_CTRUNC alone: there was no descriptor free to receive one with; the message still counts.
  const bool whole = got == sizeof message && (header.msg_flags & MSG_TRUNC) == 0;
  return whole ? Received::message : Received::closed;
}

}  // namespace labcoat::channel
