// ControlLink: the supervisor's end of one child's control socket (docs/formats/control.md),
// watched by the loop.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>

#include "net/loop.h"
#include "net/message_socket.h"

namespace labcoat::supervisor {

using Json = nlohmann::json;

// Not movable: the loop holds its address. `loop` outlives it.
class ControlLink final : private net::Watcher {
 public:
  // Called for every message, on the loop's thread, which may take its descriptors. Returns false
  // when it makes no sense, which ends the link.
  using OnMessage = std::function<bool(const Json& message, std::span<Fd> fds)>;

  // `who` names the peer in the log.
  ControlLink(net::Loop& loop, net::MessageSocket socket, std::string who, OnMessage on_message);
  ~ControlLink();
  ControlLink(const ControlLink&) = delete;
  ControlLink& operator=(const ControlLink&) = delete;

  // False when the peer is gone or takes nothing; it has been logged, and the link is closed.
  bool send(const Json& message, std::span<const int> fds = {});
  // What the peer sent before it died is still there to be read.
  void read_all();
  // The peer sees the end of its socket.
  void close();
  bool is_open() const { return static_cast<bool>(socket_); }
  // The peer broke the protocol; whoever owns it should end it.
  bool is_broken() const { return broken_; }

 private:
  void on_events(u32 events) override;
  bool handle(net::SocketMessage& message);

  net::Loop& loop_;
  net::MessageSocket socket_;
  std::string who_;
  OnMessage on_message_;
  bool broken_ = false;
};

}  // namespace labcoat::supervisor
