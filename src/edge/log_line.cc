#include "edge/log_line.h"

#include <algorithm>
#include <cstring>
#include <ctime>

#include "base/check.h"
#include "base/text.h"
#include "edge/connection.h"
#include "edge/edge_thread.h"

namespace labcoat::edge {
namespace {

using config::LogField;

constexpr char hex_digits[] = "0123456789abcdef";

// Quotes, backslashes and what is not ASCII to look at become \xHH; spaces too where they would end
// a field.
void append_hex_escaped(std::string_view text, bool spaces, std::string& out) {
  const auto plain = [spaces](char c) {
    return c > 0x20 && c < 0x7f ? c != '"' && c != '\\' : c == ' ' && spaces;
  };
  while (!text.empty()) {
    const auto length =
        static_cast<size_t>(std::find_if_not(text.begin(), text.end(), plain) - text.begin());
    out.append(text.substr(0, length));
    text.remove_prefix(length);
    if (text.empty()) return;
    const auto byte = static_cast<unsigned char>(text.front());
    const char escape[] = {'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
    out.append(escape, sizeof escape);
    text.remove_prefix(1);
  }
}

// RFC 8259 section 7. Field values are bytes: each above ASCII is shown as the character of
// ISO-8859-1 with its number, so that the line is valid whatever was sent.
void append_json_escaped(std::string_view text, std::string& out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (byte < 0x20 || byte >= 0x7f) {
      const char escape[] = {'\\', 'u', '0', '0', hex_digits[byte >> 4], hex_digits[byte & 15]};
      out.append(escape, sizeof escape);
    } else {
      out.push_back(c);
    }
  }
}

void append_id(u64 id, std::string& out) {
  char digits[16];
  for (int i = 15; i >= 0; --i, id >>= 4) digits[i] = hex_digits[id & 15];
  out.append(digits, sizeof digits);
}

void append_unix_time(i64 wall_ns, std::string& out) {
  append_number(wall_ns / seconds, out);
  const i64 millis = wall_ns / ms % 1000;
  const char fraction[] = {'.', static_cast<char>('0' + millis / 100),
                           static_cast<char>('0' + millis / 10 % 10),
                           static_cast<char>('0' + millis % 10)};
  out.append(fraction, sizeof fraction);
}

bool is_number(LogField field) {
  switch (field) {
    case LogField::time_unix:
    case LogField::remote_port:
    case LogField::status:
    case LogField::bytes:
    case LogField::queue_us:
    case LogField::service_us:
    case LogField::total_us:
      return true;
    default:
      return false;
  }
}

std::string_view value_of(const http::RequestHead& head, std::string_view name) {
  const http::Field* const field = head.find(name);
  return field == nullptr ? std::string_view() : field->value;
}

}  // namespace

std::string basic_user(std::string_view authorization) {
  constexpr std::string_view scheme = "basic ";
  if (authorization.size() < scheme.size() ||
      !http::same_name(authorization.substr(0, 5), scheme.substr(0, 5)) ||
      authorization[5] != ' ') {
    return {};
  }
  std::string user;
  u32 bits = 0;
  int count = 0;
  for (const char c : authorization.substr(scheme.size())) {
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    if (value < 0) break;
    bits = bits << 6 | static_cast<u32>(value);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    const char byte = static_cast<char>(bits >> count & 0xff);
    if (byte == ':') return user;
    user.push_back(byte);
  }
  return {};  // no colon: not what RFC 7617 describes, and maybe the password
}

std::string_view LogClock::local(i64 wall_ns) {
  const i64 second = wall_ns / seconds;
  if (second != local_second_) {
    local_second_ = second;
    const time_t time = second;
    tm parts{};
    localtime_r(&time, &parts);
    local_bytes_ = std::strftime(local_, sizeof local_, "%d/%b/%Y:%H:%M:%S %z", &parts);
  }
  return {local_, local_bytes_};
}

std::string_view LogClock::utc(i64 wall_ns) {
  const i64 second = wall_ns / seconds;
  if (second != utc_second_) {
    utc_second_ = second;
    const time_t time = second;
    tm parts{};
    gmtime_r(&time, &parts);
    std::strftime(utc_, sizeof utc_, "%Y-%m-%dT%H:%M:%S.000Z", &parts);
  }
  const i64 millis = wall_ns / ms % 1000;
  utc_[20] = static_cast<char>('0' + millis / 100);
  utc_[21] = static_cast<char>('0' + millis / 10 % 10);
  utc_[22] = static_cast<char>('0' + millis % 10);
  return {utc_, 24};
}

LineFormat LineFormat::compile(std::string_view text) {
  const auto format = config::parse_log_format(text);
  CHECK(format.has_value());  // the configuration was read with it
  return LineFormat(*format);
}

LineFormat::LineFormat(const config::LogFormat& format) : json_(format.json), after_(format.after) {
  for (const config::LogPiece& from : format.pieces) {
    Piece piece{from.before, from.field, from.quoted || json_, -1};
    if (json_) {
      piece.before = pieces_.empty() ? "{\"" : ",\"";
      append_json_escaped(log_field_name(from), piece.before);
      piece.before.append(is_number(from.field) ? "\":" : "\":\"");
    }
    switch (from.field) {
      case LogField::request:
        // Next to each other; used for nothing else.
        piece.source = static_cast<int>(sources_.size());
        sources_.push_back({LogField::method, ""});
        sources_.push_back({LogField::target, ""});
        break;
      case LogField::method:
      case LogField::target:
      case LogField::path:
      case LogField::query:
      case LogField::host:
      case LogField::user:
        piece.source = source(from.field, "");
        break;
      case LogField::referer:
        piece.source = source(LogField::header, "referer");
        break;
      case LogField::user_agent:
        piece.source = source(LogField::header, "user-agent");
        break;
      case LogField::header:
        piece.source = source(LogField::header, from.header);
        break;
      default:
        break;
    }
    pieces_.push_back(std::move(piece));
  }
  if (json_) after_ = "}";
  after_.push_back('\n');
}

int LineFormat::source(LogField field, std::string_view header) {
  sources_.push_back({field, std::string(header)});
  return static_cast<int>(sources_.size()) - 1;
}

void LineFormat::note(const http::RequestHead& head, LogNotes& out) const {
  for (const Source& source : sources_) {
    switch (source.field) {
      case LogField::method:
        out.bytes.append(head.method);
        break;
      case LogField::target:
        out.bytes.append(head.target);
        break;
      case LogField::path:
        out.bytes.append(head.path);
        break;
      case LogField::query:
        out.bytes.append(head.query);
        break;
      case LogField::host:
        out.bytes.append(head.host);
        break;
      case LogField::user:
        out.bytes.append(basic_user(value_of(head, "authorization")));
        break;
      default:
        out.bytes.append(value_of(head, source.header));
        break;
    }
    out.ends.push_back(static_cast<u32>(out.bytes.size()));
  }
}

void LineFormat::append_text(std::string_view text, const Piece& piece, std::string& out) const {
  if (json_) {
    append_json_escaped(text, out);
  } else if (text.empty()) {
    out.push_back('-');
  } else {
    append_hex_escaped(text, piece.quoted, out);
  }
}

void LineFormat::append_value(const Piece& piece, const LogFacts& facts, const LogNotes* notes,
                              LogClock& clock, std::string& out) const {
  const auto noted = [&](int source) -> std::string_view {
    if (notes == nullptr || notes->ends.empty()) return {};
    const auto at = static_cast<size_t>(source);
    const u32 begin = at == 0 ? 0 : notes->ends[at - 1];
    return std::string_view(notes->bytes).substr(begin, notes->ends[at] - begin);
  };
  switch (piece.field) {
    case LogField::time:
      out.append(clock.utc(facts.wall_ns));
      return;
    case LogField::time_local:
      out.append(clock.local(facts.wall_ns));
      return;
    case LogField::time_unix:
      return append_unix_time(facts.wall_ns, out);
    case LogField::remote_addr:
      return append_text(facts.client.address, piece, out);
    case LogField::remote_port:
      return append_number(facts.client.port, out);
    case LogField::peer_addr:
      return append_text(facts.client.peer_address(), piece, out);
    case LogField::request:
      if (noted(piece.source).empty()) return append_text({}, piece, out);
      append_text(noted(piece.source), piece, out);
      append_text(" ", piece, out);
      append_text(noted(piece.source + 1), piece, out);
      append_text(" ", piece, out);
      return append_text(facts.protocol, piece, out);
    case LogField::protocol:
      return append_text(facts.protocol, piece, out);
    case LogField::scheme:
      return append_text(facts.client.is_https() ? "https" : "http", piece, out);
    case LogField::status:
      return append_number(facts.status, out);
    case LogField::bytes:
      return append_number(static_cast<i64>(facts.body_bytes), out);
    case LogField::queue_us:
      return append_number(facts.queue_us, out);
    case LogField::service_us:
      return append_number(facts.service_us, out);
    case LogField::total_us:
      return append_number(facts.total_us, out);
    case LogField::tls_version:
      return append_text(facts.client.tls_version, piece, out);
    case LogField::route:
      return append_text(facts.route, piece, out);
    case LogField::app:
      return append_text(facts.app, piece, out);
    case LogField::worker:
      if (facts.worker < 0) return append_text({}, piece, out);
      return append_number(facts.worker, out);
    case LogField::request_id:
      return append_id(facts.id, out);
    default:
      return append_text(noted(piece.source), piece, out);
  }
}

void LineFormat::append(const LogFacts& facts, const LogNotes* notes, LogClock& clock,
                        std::string& out) const {
  for (const Piece& piece : pieces_) {
    out.append(piece.before);
    append_value(piece, facts, notes, clock, out);
    if (json_ && !is_number(piece.field)) out.push_back('"');
  }
  out.append(after_);
}

}  // namespace labcoat::edge
