#include "supervisor/control_link.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <sys/epoll.h>

namespace labcoat::supervisor {

ControlLink::ControlLink(net::Loop& loop, net::MessageSocket socket, std::string who,
                         OnMessage on_message)
    : loop_(loop),
      socket_(std::move(socket)),
      who_(std::move(who)),
      on_message_(std::move(on_message)) {
  if (const Status status = loop_.watch(socket_.fd(), EPOLLIN, *this); !status) {
    spdlog::error("{}: {}", who_, status.error().text);
    broken_ = true;
    socket_.close();
  }
}

ControlLink::~ControlLink() {
  close();
}

void ControlLink::close() {
  if (!socket_) return;
  loop_.forget(socket_.fd(), *this);
  socket_.close();
}

bool ControlLink::send(const Json& message, std::span<const int> fds) {
  if (!socket_) return false;
  const Status status =
      socket_.send(message.dump(-1, ' ', false, Json::error_handler_t::replace), fds);
  if (status) return true;
  spdlog::warn("{}: {}", who_, status.error().text);
  broken_ = true;
  close();
  return false;
}

void ControlLink::read_all() {
  while (socket_) {
    net::SocketMessage message;
    switch (socket_.receive(message)) {
      case net::MessageSocket::Receive::nothing_yet:
        return;
      case net::MessageSocket::Receive::closed:
        close();
        return;
      case net::MessageSocket::Receive::message:
        break;
    }
    if (handle(message)) continue;
    spdlog::error("{} sent a message that makes no sense: {}", who_, message.text.substr(0, 200));
    broken_ = true;
    close();
  }
}

void ControlLink::on_events(u32) {
  read_all();
}

bool ControlLink::handle(net::SocketMessage& message) {
  try {
    return on_message_(Json::parse(message.text), message.fds);
  } catch (const Json::exception&) {
    return false;  // not JSON, or a field that is missing or of the wrong type
  }
}

}  // namespace labcoat::supervisor
