// One line of the access log, as bytes. Whatever a client has sent is escaped: nothing in it can
// look like the end of a field or of the line.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/log_format.h"
#include "http/request.h"

namespace labcoat::edge {

struct Client;

// What a line needs of a request's head, kept from its arrival to its answer.
struct LogNotes {
  std::string bytes;
  std::vector<u32> ends;  // of each text in `bytes`, in the order of LineFormat's sources
};

// The rest of a line.
struct LogFacts {
  const Client& client;
  i64 wall_ns = 0;  // since the epoch
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

// Dates as text, made once a second. One edge thread's.
class LogClock {
 public:
  std::string_view local(i64 wall_ns);  // 22/Nov/2026:01:02:03 +0000
  std::string_view utc(i64 wall_ns);    // 2026-11-22T01:02:03.456Z

 private:
  i64 local_second_ = -1;
  i64 utc_second_ = -1;
  char local_[40];
  size_t local_bytes_ = 0;
  char utc_[25];
};

class LineFormat {
 public:
  // A text that config::parse_log_format takes.
  static LineFormat compile(std::string_view text);

  // Copies what the fields need of the head, and nothing if they need nothing.
  void note(const http::RequestHead& head, LogNotes& out) const;
  // The line with its newline. No notes: the request could not be read.
  void append(const LogFacts& facts, const LogNotes* notes, LogClock& clock,
              std::string& out) const;

 private:
  struct Source {
    config::LogField field;
    std::string header;  // of LogField::header
  };
  struct Piece {
    std::string before;  // text; in JSON with the key
    config::LogField field;
    bool quoted = false;  // may hold spaces
    int source = -1;      // of the texts in LogNotes; of `request` the method, then the target
  };

  explicit LineFormat(const config::LogFormat& format);
  int source(config::LogField field, std::string_view header);
  void append_value(const Piece& piece, const LogFacts& facts, const LogNotes* notes,
                    LogClock& clock, std::string& out) const;
  void append_text(std::string_view text, const Piece& piece, std::string& out) const;

  bool json_ = false;
  std::vector<Source> sources_;
  std::vector<Piece> pieces_;
  std::string after_;
};

// The name in "Authorization: Basic …"; empty when there is none. Nobody has checked it.
std::string basic_user(std::string_view authorization);

}  // namespace labcoat::edge
