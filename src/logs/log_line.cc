#include "logs/log_line.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/digits.h"
#include "clients/client.h"

namespace labcoat::logs {
namespace {

using config::LogField;

// Of every value that no client can make longer: numbers, dates, addresses; and a block more.
constexpr size_t own_text_bytes_max = 64 + log_block_bytes;
constexpr u32 not_seen = ~u32{0};

char* put_plain(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

// Two digits for each byte.
constexpr auto hex_pairs = [] {
  std::array<char, 512> pairs{};
  for (size_t i = 0; i < pairs.size(); ++i) {
    pairs[i] = "0123456789abcdef"[i % 2 == 0 ? i / 2 / 16 : i / 2 % 16];
  }
  return pairs;
}();

char* put_id(u64 id, char* out) {
  for (int shift = 56; shift >= 0; shift -= 8, out += 2) {
    std::memcpy(out, hex_pairs.data() + 2 * (id >> shift & 0xff), 2);
  }
  return out;
}

char* put_unix_time(i64 wall_ns, char* out) {
  out = put_number(wall_ns / seconds, out);
  *out++ = '.';
  return put_three_digits(wall_ns / ms % 1000, out);
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

LineFormat LineFormat::compile(std::string_view text) {
  const auto format = config::parse_log_format(text);
  CHECK(format.has_value());  // the configuration was read with it
  return LineFormat(*format);
}

LineFormat::LineFormat(const config::LogFormat& format)
    : json_(format.json), nothing_(format.json ? "" : "-") {
  std::string_view close;  // of the value before
  for (const config::LogPiece& from : format.pieces) {
    if (!json_) {
      add(from, from.before);
      continue;
    }
    const std::string_view quote = is_number(from.field) ? "" : "\"";
    const std::string name = log_field_name(from);
    std::string key(name.size() * log_escape_bytes_max + log_block_bytes, ' ');
    key.resize(static_cast<size_t>(put_escaped(name, LogEscape::json, key.data()) - key.data()));
    std::string before(close);
    before.append(pieces_.empty() ? "{\"" : ",\"").append(key).append("\":").append(quote);
    add(from, std::move(before));
    close = quote;
  }
  add({}, (json_ ? std::string(close) + "}" : format.after) + "\n");
}

void LineFormat::add(const config::LogPiece& from, std::string before) {
  Piece piece;
  piece.before_bytes = before.size();
  before.resize((before.size() + log_block_bytes - 1) / log_block_bytes * log_block_bytes);
  piece.before = std::move(before);
  piece.field = from.field;
  piece.escape = json_ ? LogEscape::json : from.quoted ? LogEscape::quoted : LogEscape::bare;
  piece.source = sources_.size();
  fixed_bytes_max_ += piece.before.size() + own_text_bytes_max;
  pieces_.push_back(std::move(piece));
  switch (from.field) {
    case LogField::request:
    case LogField::method:
    case LogField::target:
    case LogField::path:
    case LogField::query:
    case LogField::host:
      return sources_.push_back({from.field, ""});
    case LogField::user:
      return add_header(LogField::user, "authorization");
    case LogField::referer:
      return add_header(LogField::header, "referer");
    case LogField::user_agent:
      return add_header(LogField::header, "user-agent");
    case LogField::header:
      return add_header(LogField::header, from.header);
    case LogField::route:
    case LogField::app:
      ++names_;
      return;
    default:
      return;
  }
}

void LineFormat::add_header(LogField field, std::string_view header) {
  sources_.push_back({field, std::string(header)});
  header_lengths_ |= u64{1} << header.size() % 64;
}

void LineFormat::note(const http::RequestHead& head, LogNotes& out) const {
  out.texts.assign(sources_.size(), {});
  u32& used = out.used = 0;
  const auto add = [&](LogNotes::Text& to, std::string_view text) {
    if (out.bytes.size() < used + text.size() + log_block_bytes) {
      out.bytes.resize(used + text.size() + 2 * log_block_bytes);
    }
    if (text.empty()) return;
    if (to.bytes == 0) to.begin = used;
    std::memcpy(out.bytes.data() + used, text.data(), text.size());
    used += static_cast<u32>(text.size());
    to.bytes += static_cast<u32>(text.size());
  };
  for (size_t i = 0; i < sources_.size(); ++i) {
    LogNotes::Text& to = out.texts[i];
    switch (sources_[i].field) {
      case LogField::request:
        add(to, head.method);
        add(to, " ");
        add(to, head.target);
        add(to, " ");
        break;
      case LogField::method:
        add(to, head.method);
        break;
      case LogField::target:
        add(to, head.target);
        break;
      case LogField::path:
        add(to, head.path);
        break;
      case LogField::query:
        add(to, head.query);
        break;
      case LogField::host:
        add(to, head.host);
        break;
      default:
        to.begin = not_seen;
        break;
    }
  }
  // Once through the fields of the head, most of which are in no line; the first of a name counts.
  for (size_t i = 0; i < head.field_count; ++i) {
    const http::Field& field = head.fields[i];
    if ((header_lengths_ >> field.name.size() % 64 & 1) == 0) continue;
    for (size_t k = 0; k < sources_.size(); ++k) {
      LogNotes::Text& to = out.texts[k];
      if (to.begin != not_seen || !http::same_name(field.name, sources_[k].header)) continue;
      to.begin = 0;
      add(to, sources_[k].field == LogField::user ? std::string_view(basic_user(field.value))
                                                  : field.value);
    }
  }
}

size_t LineFormat::bytes_max(const LogFacts& facts, const LogNotes* notes) const {
  size_t texts = names_ * std::max(facts.route.size(), facts.app.size());
  if (notes != nullptr) texts += notes->used;
  return fixed_bytes_max_ + texts * log_escape_bytes_max;
}

// In the loop below, where it is called: a call for each value would cost as much as most of them.
[[gnu::always_inline]] inline char* LineFormat::put_value(const Piece& piece, const LogFacts& facts,
                                                          const LogNotes* notes, LogClock& clock,
                                                          char* out) const {
  // Ours, and plain.
  const auto put_own = [&](std::string_view text) {
    return put_plain(text.empty() ? nothing_ : text, out);
  };
  const auto put_name = [&](std::string_view text) {
    return text.empty() ? put_plain(nothing_, out) : put_escaped(text, piece.escape, out);
  };
  switch (piece.field) {
    case LogField::time:
      return put_plain(clock.utc(facts.now_ns), out);
    case LogField::time_local:
      return put_plain(clock.local(facts.now_ns), out);
    case LogField::time_unix:
      return put_unix_time(clock.wall_at(facts.now_ns), out);
    case LogField::remote_addr:
      return put_own(facts.client.address);
    case LogField::remote_port:
      return put_number(facts.client.port, out);
    case LogField::peer_addr:
      return put_own(facts.client.peer_address());
    case LogField::protocol:
      return put_own(facts.protocol);
    case LogField::scheme:
      return put_own(facts.client.is_https() ? "https" : "http");
    case LogField::status:
      return put_number(facts.status, out);
    case LogField::bytes:
      return put_number(static_cast<i64>(facts.body_bytes), out);
    case LogField::queue_us:
      return put_number(facts.queue_us, out);
    case LogField::service_us:
      return put_number(facts.service_us, out);
    case LogField::total_us:
      return put_number(facts.total_us, out);
    case LogField::tls_version:
      return put_own(facts.client.tls_version);
    case LogField::route:
      return put_name(facts.route);
    case LogField::app:
      return put_name(facts.app);
    case LogField::worker:
      return facts.worker < 0 ? put_plain(nothing_, out) : put_number(facts.worker, out);
    case LogField::request_id:
      return put_id(facts.id, out);
    default: {
      if (notes == nullptr || notes->texts[piece.source].bytes == 0) return put_own({});
      const LogNotes::Text text = notes->texts[piece.source];
      out = put_escaped_padded({notes->bytes.data() + text.begin, text.bytes}, piece.escape, out);
      return piece.field == LogField::request ? put_plain(facts.protocol, out) : out;
    }
  }
}

void LineFormat::append(const LogFacts& facts, const LogNotes* notes, LogClock& clock,
                        LogLines& out) const {
  char* at = out.room(bytes_max(facts, notes));
  const Piece* piece = pieces_.data();
  const Piece* const last = piece + pieces_.size() - 1;
  for (;; ++piece) {
    for (size_t i = 0; i < piece->before.size(); i += log_block_bytes)
      std::memcpy(at + i, piece->before.data() + i, log_block_bytes);
    at += piece->before_bytes;
    if (piece == last) break;
    at = put_value(*piece, facts, notes, clock, at);
  }
  out.end(at);
}

}  // namespace labcoat::logs
