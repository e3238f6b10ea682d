#include "edge/log_line.h"

#include <cstdio>
#include <ctime>

namespace labcoat::edge {

void append_escaped(std::string_view text, std::string& out) {
  constexpr char digits[] = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\' || byte < 0x20 || byte >= 0x7f) {
      const char escape[] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};
      out.append(escape, sizeof escape);
    } else {
      out.push_back(c);
    }
  }
}

void append_quoted(std::string_view text, std::string& out) {
  out.push_back('"');
  append_escaped(text, out);
  out.push_back('"');
}

void append_log_line(const LogLine& line, std::string& out) {
  const time_t time = static_cast<time_t>(line.time_s);
  tm parts{};
  localtime_r(&time, &parts);
  char date[40];
  std::strftime(date, sizeof date, "%d/%b/%Y:%H:%M:%S %z", &parts);
  out.append(line.remote_address.empty() ? "-" : line.remote_address);
  out.append(" - - [").append(date).append("] ");
  out.append(line.request.empty() ? "\"-\"" : line.request);
  out.append(" ").append(std::to_string(line.status));
  out.append(" ").append(std::to_string(line.body_bytes)).append(" ");
  out.append(line.referer_and_agent.empty() ? "\"-\" \"-\"" : line.referer_and_agent);
  char tail[96];
  std::snprintf(tail, sizeof tail, " queue_us=%lld total_us=%lld id=%016llx\n",
                static_cast<long long>(line.queue_us), static_cast<long long>(line.total_us),
                static_cast<unsigned long long>(line.id));
  out.append(tail);
}

}  // namespace labcoat::edge
