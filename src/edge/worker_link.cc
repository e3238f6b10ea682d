#include "edge/worker_link.h"

#include <sys/epoll.h>
#include <sys/stat.h>

#include "channel/control_message.h"

namespace labcoat::edge {
namespace {

constexpr int messages_per_event = 64;

}  // namespace

WorkerLink::WorkerLink(size_t app, i64 pid, std::vector<u32> endpoints, Fd socket, net::Loop& loop,
                       EdgeShared& shared, std::vector<std::unique_ptr<EdgeThread>>& threads)
    : app_(app),
      pid_(pid),
      endpoints_(std::move(endpoints)),
      socket_(std::move(socket)),
      loop_(loop),
      shared_(shared),
      threads_(threads) {
  if (!loop_.watch(socket_.get(), EPOLLIN, *this)) socket_.reset();
}

WorkerLink::~WorkerLink() {
  stop_listening();
}

void WorkerLink::stop_listening() {
  if (socket_) loop_.forget(socket_.get(), *this);
  socket_.reset();
}

void WorkerLink::on_events(u32) {
  // A worker that never stops sending must not keep this thread from the supervisor's messages.
  for (int i = 0; i < messages_per_event && read_one(); ++i) {
  }
}

void WorkerLink::read_all() {
  while (read_one()) {
  }
}

bool WorkerLink::read_one() {
  if (!socket_) return false;
  channel::Message message{};
  Fd fd;
  switch (channel::receive_message(socket_.get(), message, fd)) {
    case channel::Received::nothing_yet:
      return false;
    case channel::Received::closed:
      // That the worker is dead is the supervisor's to say; a worker that only breaks the
      // protocol loses its socket.
      stop_listening();
      return false;
    case channel::Received::message:
      break;
  }
  const channel::Mapping& mapping = shared_.channels[app_]->mapping();
  if (message.slot >= mapping.shape().slots) return true;
  if (message.kind == static_cast<u32>(channel::MessageKind::want_body)) {
    send_body(message);
  } else if (message.kind == static_cast<u32>(channel::MessageKind::file)) {
    // Only what can be sent with sendfile; anything else is as good as no descriptor at all.
    struct stat info;
    if (fd && (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode))) fd.reset();
    threads_[mapping.thread_of(message.slot)]->give_file(app_, message.slot, message.generation,
                                                         message.number, std::move(fd));
  }
  return true;
}

void WorkerLink::send_body(const channel::Message& wanted) {
  const std::shared_ptr<Fd> file = shared_.body_files[app_]->find(wanted.slot, wanted.generation);
  channel::Message answer = wanted;
  answer.kind = static_cast<u32>(channel::MessageKind::body);
  if (!channel::send_message(socket_.get(), answer, file ? file->get() : -1)) stop_listening();
}

}  // namespace labcoat::edge
