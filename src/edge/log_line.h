// One line of the access log, as bytes: the combined format with three fields more. Whatever a
// client has sent is escaped: nothing in it can look like the end of a field or of the line.
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace labcoat::edge {

struct LogLine {
  std::string_view remote_address;  // empty: "-"
  i64 time_s = 0;                   // since the epoch
  std::string_view request;         // quoted; empty: "-"
  int status = 0;
  u64 body_bytes = 0;
  std::string_view referer_and_agent;  // quoted both; empty: "-" "-"
  i64 queue_us = 0;
  i64 total_us = 0;
  u64 id = 0;
};

// Quotes, backslashes and what is not ASCII to look at become \xHH.
void append_escaped(std::string_view text, std::string& out);
// The same in quotes.
void append_quoted(std::string_view text, std::string& out);
// The line with its newline.
void append_log_line(const LogLine& line, std::string& out);

}  // namespace labcoat::edge
