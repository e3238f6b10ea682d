#include "edge/worker_link.h"

#include <sys/epoll.h>

#include "channel/control_message.h"

namespace labcoat::edge {

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
  read_all();
}

void WorkerLink::read_all() {
  while (socket_) {
    channel::Message message{};
    Fd fd;
    switch (channel::receive_message(socket_.get(), message, fd)) {
      case channel::Received::nothing_yet:
        return;
      case channel::Received::closed:
        // That the worker is dead is the supervisor's to say; a worker that only breaks the
        // protocol loses its socket.
        stop_listening();
        return;
      case channel::Received::message:
        break;
    }
    const channel::Mapping& mapping = shared_.channels[app_]->mapping();
    if (message.slot >= mapping.shape().slots) continue;
    if (message.kind == static_cast<u32>(channel::MessageKind::want_body)) {
      send_body(message);
    } else if (message.kind == static_cast<u32>(channel::MessageKind::file) && fd) {
      threads_[mapping.thread_of(message.slot)]->give_file(app_, message.slot, message.generation,
                                                           message.number, std::move(fd));
    }
  }
}

void WorkerLink::send_body(const channel::Message& wanted) {
  const std::shared_ptr<Fd> file = shared_.body_files[app_]->find(wanted.slot, wanted.generation);
  channel::Message answer = wanted;
  answer.kind = static_cast<u32>(channel::MessageKind::body);
  if (!channel::send_message(socket_.get(), answer, file ? file->get() : -1)) stop_listening();
}

}  // namespace labcoat::edge
