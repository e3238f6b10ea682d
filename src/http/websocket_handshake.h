// The opening handshake of a WebSocket: RFC 6455 section 4.2.1 for HTTP/1.1, RFC 8441 for HTTP/2.
// Pure.
#pragma once

#include <string_view>

#include "http/request.h"

namespace labcoat::http {

struct WebSocketAsk {
  // 0: the request does not ask for a WebSocket; 101: it does, as it should; 400 or 426: what those
  // who speak WebSocket have to answer.
  int status = 0;
  const char* why = "";
  std::string_view key;  // Sec-WebSocket-Key; empty over HTTP/2, which has none
};

WebSocketAsk read_websocket_ask(const RequestHead& head);

}  // namespace labcoat::http
