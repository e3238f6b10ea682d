// The head of a response as bytes: from what an app said (checked here, an app may say anything),
// or from the edge itself.
#pragma once

#include <string>
#include <string_view>

#include "channel/edge_port.h"

namespace labcoat::edge {

// How the end of the body is told, RFC 9112 section 6.
enum class Framing {
  none,  // HEAD, 204, 304: nothing follows the head
  content_length,
  chunked,
  until_close,  // HTTP/1.0 without a length
};

struct ResponseFacts {
  Framing framing = Framing::none;
  i64 body_bytes = -1;     // of content_length: what will follow
  bool keep_alive = true;  // what the head tells the client
};

struct ResponseContext {
  bool head_request = false;
  int minor_version = 1;       // of the request
  bool keep_alive = true;      // as far as the connection is concerned
  std::string_view date_line;  // "Date: …\r\n"
};

// Appends the head to `out`. False: the app's head breaks the rules (a name that is no token, a
// control character in a value, a status below 200 …); `out` is as before and `why` says it in a
// few words.
bool append_app_head(const channel::EdgePort::Head& head, const ResponseContext& context,
                     std::string& out, ResponseFacts& facts, const char*& why);

// Appends status line, date, server, connection and `fields` (whole lines, "Name: value\r\n" each),
// length and the empty line. `body_bytes` is sent as Content-Length unless the status forbids a
// body.
void append_own_head(int status, i64 body_bytes, std::string_view fields,
                     const ResponseContext& context, std::string& out);

// "1a2b\r\n", in front of a chunk; the chunk ends with "\r\n", the body with "0\r\n\r\n".
void append_chunk_size(size_t bytes, std::string& out);

}  // namespace labcoat::edge
