// TCP handshakes of a listening socket that is about to be closed. The kernel resets whoever has
// begun to connect, or waits to be accepted, at the moment of close(): a client that was there in
// time would lose its request. So: first no handshake begins any more, then those that have begun
// are waited for and accepted, then the socket is closed. Threads: any. Sockets that are not TCP
// (UNIX sockets connect in one step) have no handshakes.
#pragma once

#include "base/result.h"

namespace labcoat::net {

// From now on the kernel drops the first segment (SYN) of clients that this socket has not heard
// of, and of all duplicates of it. To them the server is far away: they ask again after a second
// and are refused then, or served by whoever listens there by that time. Handshakes that have begun
// go on. There is no way back. Without the right to it: an error, and nothing has changed.
Status stop_new_handshakes(int listener);

// Whether a client is between its first segment and the one that makes it ready to be accepted. By
// the kernel's sock_diag(7); false where that may not be asked.
bool handshakes_under_way(int listener);

}  // namespace labcoat::net
