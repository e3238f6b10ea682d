// ResponseReader takes one answer's bytes as they arrive and says when it is complete. The body is
// counted by the caller and thrown away: a load generator has no use for it. Pure: no sockets, no
// clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "http/chunked.h"
#include "http/response.h"

namespace labcoat::bench {

constexpr size_t response_head_bytes_max = 64 * 1024;

// The last head that was parsed. A server answers the same request with the same head nearly every
// time; a comparison then stands in for the parser, which halves the generator's own work on small
// answers.
struct HeadMemory {
  std::string bytes;
  http::ResponseHead head;
};

// One per connection, restarted for each request.
class ResponseReader {
 public:
  enum class Step { need_more, done, bad };

  // Forgets the last answer. An answer to HEAD has no body, whatever its fields say.
  void start(bool to_head_request);
  // Bytes behind the end of the answer are `bad`: nobody asked for them.
  Step feed(std::string_view bytes, HeadMemory& memory);
  // The server closed the connection: done when the body was to end that way, else bad.
  Step end() const;

  // Nothing of the answer has arrived yet.
  bool untouched() const { return state_ == State::head && partial_.empty(); }
  // Bytes that are sure to come and sure to be thrown away: the rest of a body of known length.
  uint64_t discardable() const { return state_ == State::length ? remaining_ : 0; }
  // Of the answer, once done.
  int status() const { return status_; }
  bool keep_alive() const { return keep_alive_; }

 private:
  enum class State : uint8_t { head, length, chunked, until_close, done, bad };

  Step feed_head(std::string_view bytes, HeadMemory& memory);
  Step feed_body(std::string_view bytes);
  Step feed_chunks(std::string_view bytes);
  Step settle(State state);
  State body_state(const http::ResponseHead& head) const;

  State state_ = State::head;
  bool to_head_request_ = false;
  bool keep_alive_ = true;
  int status_ = 0;
  uint64_t remaining_ = 0;
  http::ChunkedDecoder chunks_;
  std::string partial_;  // of a head that came in pieces
};

}  // namespace labcoat::bench
