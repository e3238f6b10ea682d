// Sending and receiving channel::Message with at most one descriptor beside it; used by both ends
// of a worker's control socket. Cold path: body files and file responses only.
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "channel/layout.h"

namespace labcoat::channel {

// `fd` -1: none. Never blocks and never raises SIGPIPE; fails when the peer is gone or its buffer
// is full.
Status send_message(int socket, const Message& message, int fd);

enum class Received { message, nothing_yet, closed };
// A short or long message counts as closed: the peer broke the protocol. A descriptor that could
// not be received, because this process has too many open, is missing: the message comes without
// it.
Received receive_message(int socket, Message& message, Fd& fd);

}  // namespace labcoat::channel
