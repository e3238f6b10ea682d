#include "channel/worker_control.h"

#include <poll.h>

#include "channel/control_message.h"

namespace labcoat::channel {

Result<Fd> WorkerControl::fetch_body(const WorkerPort& port, u32 endpoint) {
  const std::lock_guard lock(mutex_);
  Message message{static_cast<u32>(MessageKind::want_body), port.slot(), port.generation(),
                  endpoint, 0};
  if (auto sent = send_message(socket_, message, -1); !sent) return tl::unexpected(sent.error());
  for (;;) {
    Fd fd;
    switch (receive_message(socket_, message, fd)) {
      case Received::closed:
        return fail("the edge is gone, and with it the request body");
      case Received::nothing_yet: {
        pollfd readable{socket_, POLLIN, 0};
        ::poll(&readable, 1, -1);
        continue;
      }
      case Received::message:
        // An answer to somebody who stopped waiting: not ours.
        if (message.slot != port.slot() || message.generation != port.generation()) continue;
        if (!fd) return fail("the client has gone, and with it the request body");
        return fd;
    }
  }
}

Result<u64> WorkerControl::send_file(const WorkerPort& port, u32 endpoint, int fd) {
  const std::lock_guard lock(mutex_);
  const Message message{static_cast<u32>(MessageKind::file), port.slot(), port.generation(),
                        endpoint, files_sent_};
  for (;;) {
    if (auto sent = send_message(socket_, message, fd)) return files_sent_++;
    pollfd writable{socket_, POLLOUT, 0};
    if (::poll(&writable, 1, 5000) <= 0 || (writable.revents & (POLLERR | POLLHUP)) != 0) {
      return fail("the edge is gone or does not take file descriptors");
    }
  }
}

}  // namespace labcoat::channel
