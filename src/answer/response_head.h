// Heads of responses: an app's, checked (an app may say anything), and any as HTTP/1 bytes.
#pragma once

#include <string>
#include <string_view>

#include "answer/response.h"
#include "channel/edge_port.h"

namespace labcoat::answer {

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

// An app's head as a Response, whose views point into `head`. What is the edge's business (framing,
// connection management) is left out. False: it breaks the rules (a name that is no token, a
// control character in a value, a status below 200 …); `why` says it in a few words.
bool read_app_head(const channel::EdgePort::Head& head, Response& response, const char*& why);

// The same for the fields of a 103 and for trailers: nothing in them may say how the message is
// framed, routed or read (RFC 9110 section 6.5.1).
bool read_app_hints(const channel::EdgePort::Head& head, Response& response, const char*& why);
bool read_app_trailers(const channel::EdgePort::Head& head, Response& response, const char*& why);

// "Name: value" lines of all fields.
void append_fields(const Response& response, std::string& out);
// A 103 in HTTP/1, whole.
void append_http1_hints(const Response& response, std::string& out);
// Appends the head in HTTP/1, with Date, Server, Connection, framing and the empty line.
ResponseFacts append_http1_head(const Response& response, const ResponseContext& context,
                                std::string& out);

// "1a2b\r\n", in front of a chunk; the chunk ends with "\r\n", the body with "0\r\n\r\n".
void append_chunk_size(size_t bytes, std::string& out);

}  // namespace labcoat::answer
