// One line of the access log, as bytes. Whatever a client has sent is escaped: nothing in it can
// look like the end of a field or of the line.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "clients/client.h"
#include "config/log_format.h"
#include "http/request.h"
#include "logs/log_clock.h"
#include "logs/log_escape.h"

namespace labcoat::logs {

struct LogRules;

// What a line needs of a request's head, kept from its arrival to its answer.
struct LogNotes {
  struct Text {
    u32 begin = 0;
    u32 bytes = 0;
  };
  std::vector<char> bytes;  // at least a block more than are used
  u32 used = 0;
  std::vector<Text> texts;  // in the order of LineFormat's sources; empty: no head was read
  std::shared_ptr<const LogRules> rules;  // in force when the request began: the line goes by them
};

// The rest of a line.
struct LogFacts {
  const clients::Client& client;
  i64 now_ns = 0;  // when the answer was complete
  int status = 0;
  u64 body_bytes = 0;
  i64 queue_us = 0;    // waited for a worker
  i64 service_us = 0;  // from the moment a worker took it to the end of the answer it wrote
  i64 total_us = 0;    // from the first byte of the request to the last of the answer
  i64 worker = -1;     // its endpoint; -1: none
  u64 id = 0;
  std::string_view protocol;  // "HTTP/1.1"
  std::string_view route;     // empty: none
  std::string_view app;       // empty: none
};

// Lines, one after the other.
class LogLines {
 public:
  std::string_view text() const { return {bytes_.data(), used_}; }
  void clear() { used_ = 0; }
  // Where the next one may be made, of at most so many bytes; then where it ended.
  char* room(size_t bytes_max) {
    if (bytes_.size() - used_ < bytes_max) bytes_.resize(used_ + 2 * bytes_max);
    return bytes_.data() + used_;
  }
  void end(const char* end) { used_ = static_cast<size_t>(end - bytes_.data()); }

 private:
  std::vector<char> bytes_;
  size_t used_ = 0;
};

class LineFormat {
 public:
  // A text that config::parse_log_format takes.
  static LineFormat compile(std::string_view text);

  // Copies what the fields need of the head, and nothing if they need nothing.
  void note(const http::RequestHead& head, LogNotes& out) const;
  // The line with its newline. No notes: the request could not be read.
  void append(const LogFacts& facts, const LogNotes* notes, LogClock& clock, LogLines& out) const;

 private:
  struct Source {
    config::LogField field;
    std::string header;  // where it is a field of the request, its name
  };
  struct Piece {
    // Text of the format, in JSON with the key: whole blocks, of which so many bytes count.
    std::string before;
    size_t before_bytes = 0;
    config::LogField field = config::LogField::time;
    LogEscape escape = LogEscape::quoted;
    size_t source = 0;  // of fields that need one
  };

  explicit LineFormat(const config::LogFormat& format);
  void add(const config::LogPiece& from, std::string before);
  void add_header(config::LogField field, std::string_view name);
  size_t bytes_max(const LogFacts& facts, const LogNotes* notes) const;
  char* put_value(const Piece& piece, const LogFacts& facts, const LogNotes* notes, LogClock& clock,
                  char* out) const;

  bool json_ = false;
  std::string_view nothing_;  // stands where there is no text
  std::vector<Source> sources_;
  u64 header_lengths_ = 0;      // bit n: a source is a field whose name has n bytes, modulo 64
  std::vector<Piece> pieces_;   // the last one has no value
  size_t fixed_bytes_max_ = 0;  // of a line, but for its noted texts and its names
  size_t names_ = 0;            // of routes and apps
};

// The name in "Authorization: Basic …"; empty when there is none. Nobody has checked it.
std::string basic_user(std::string_view authorization);

}  // namespace labcoat::logs
