// What an Exchange says to its client, piece by piece, in whatever protocol the client speaks.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "answer/open_file.h"
#include "base/clock.h"
#include "http/field.h"
#include "http/framing.h"

namespace labcoat::answer {

// Calls do_one(name, value) for each of whole field lines.
template <class DoOne>
void for_each_field_of(std::string_view lines, const DoOne& do_one) {
  while (!lines.empty()) {
    const size_t end = lines.find("\r\n");
    const std::string_view line = lines.substr(0, end);
    const size_t colon = line.find(':');
    if (colon != line.npos) do_one(line.substr(0, colon), http::trim_ows(line.substr(colon + 1)));
    lines = end == lines.npos ? std::string_view() : lines.substr(end + 2);
  }
}

// Field lines that stay as they are for many responses, taken apart once, with names in lower case
// as HTTP/2 wants them.
struct SplitLines {
  explicit SplitLines(std::string_view lines);
  SplitLines(const SplitLines&) = delete;
  SplitLines& operator=(const SplitLines&) = delete;

  size_t memory_bytes() const {
    return sizeof *this + bytes.size() + fields.size() * sizeof(http::Field);
  }

  std::string bytes;
  std::vector<http::Field> fields;  // into bytes
};
// Who says the fields is an owner until the client has them.
using SharedSplitLines = std::shared_ptr<const SplitLines>;

// The head of a response, protocol aside: no framing, no connection management. Everything in it is
// checked already. Views are valid until the next call into the channel or the file cache.
struct Response {
  int status = 200;
  std::string_view reason;          // empty: the status's own
  i64 body_bytes = -1;              // of the whole body; -1: not known before its end
  std::vector<http::Field> fields;  // one by one …
  std::string_view lines;           // … and as whole lines, "Name: value\r\n" each
  // The same as `lines`, or nullptr; whoever changes `lines` takes it away.
  const SharedSplitLines* split = nullptr;
  bool has_date = false;  // among the fields
  bool has_server = false;

  void clear() {
    status = 200;
    reason = {};
    body_bytes = -1;
    fields.clear();
    lines = {};
    split = nullptr;
    has_date = has_server = false;
  }
};

// Takes one response after the other to a client. Any call may find that the client is gone; it
// then calls Exchange::client_gone before it returns.
class ResponseSink {
 public:
  // Before the head, any number of times: a 103 with these fields. Not to HTTP/1.0.
  virtual void send_hints(const Response& response) = 0;
  // Once, first. When the request or the status forbids a body none is given.
  virtual void send_head(const Response& response) = 0;
  // Pieces of the body; the bytes are sent or copied on return.
  virtual void send_data(std::string_view a, std::string_view b) = 0;
  // A sink that comes back to it later asks is_as_told() before every further piece.
  virtual void send_file(SharedFile file, i64 offset, i64 bytes) = 0;
  // Right before end(). Left out where the framing has no place for them.
  virtual void send_trailers(const Response& response) = 0;
  // The response is complete; no call about it follows.
  virtual void end() = 0;
  // It cannot be completed, and the client must see that; no call about it follows.
  virtual void break_off() = 0;

  // Whether it takes more of the response now. If not, it calls Exchange::go_on when it does again.
  virtual bool wants_more() = 0;
  // The exchange has had news of its own accord (from its app, or a timeout) and has dealt with
  // them: send what was gathered, and go on with the connection.
  virtual void settle() = 0;
  // Other connections should have their turn: Exchange::go_on is called after theirs.
  virtual void give_way() = 0;
  // No further request is taken from this client.
  virtual void close_after() = 0;

 protected:
  ~ResponseSink() = default;
};

}  // namespace labcoat::answer
