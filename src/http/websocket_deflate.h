// What client and server agree on for permessage-deflate (RFC 7692), from the field
// Sec-WebSocket-Extensions. Pure; websocket_codec.h does the compressing.
#pragma once

#include <optional>
#include <string>

#include "http/request.h"

namespace labcoat::http {

struct DeflateAgreement {
  bool server_forgets = false;  // each message of ours is compressed by itself
  bool client_forgets = false;  // each message of the client's
  int server_window_bits = 15;  // of ours: 9 to 15
  int client_window_bits = 15;  // of the client's: 8 to 15
  std::string answer = {};      // value of Sec-WebSocket-Extensions in the response
};

// What we want.
struct DeflatePolicy {
  bool forget = false;       // neither side keeps a context from message to message
  int window_bits_max = 15;  // less saves memory
};

// The first offer that can be taken; nothing when there is none, or when the field is malformed.
std::optional<DeflateAgreement> agree_on_deflate(const RequestHead& head, DeflatePolicy policy);

}  // namespace labcoat::http
