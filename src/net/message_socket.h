// MessageSocket: whole messages with descriptors beside them, between processes of ours
// (docs/formats/control.md).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace labcoat::net {

struct SocketMessage {
  std::string text;
  std::vector<Fd> fds;
};

// A connected SOCK_SEQPACKET socket. Non-blocking; not thread-safe.
class MessageSocket {
 public:
  static constexpr size_t text_bytes_max = 64 * 1024;
  static constexpr size_t fds_max = 250;  // the kernel's SCM_MAX_FD is 253

  MessageSocket() = default;
  explicit MessageSocket(Fd socket) : socket_(std::move(socket)) {}
  // Both ends, close-on-exec.
  static Result<std::pair<MessageSocket, MessageSocket>> pair();

  // Borrowed descriptors are duplicated into the receiver; ours stay open. Fails when the peer is
  // gone or does not read.
  Status send(std::string_view text, std::span<const int> fds = {});

  enum class Receive { message, nothing_yet, closed };
  // Descriptors arrive close-on-exec. A message that was cut short counts as closed: the peer broke
  // the protocol.
  Receive receive(SocketMessage& out);

  int fd() const { return socket_.get(); }
  int release() { return socket_.release(); }
  void close() { socket_.reset(); }
  explicit operator bool() const { return static_cast<bool>(socket_); }

 private:
  Fd socket_;
};

}  // namespace labcoat::net
