#include "config/log_format.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"

namespace labcoat::config {
namespace {

constexpr std::string_view field_names[] = {
#define LABCOAT_LOG_FIELD(name) #name,
    LABCOAT_LOG_FIELDS(LABCOAT_LOG_FIELD)
#undef LABCOAT_LOG_FIELD
};

// What the tools that read logs of NGINX and Apache know, and three fields more.
constexpr std::string_view combined =
    "{remote_addr} - {user} [{time_local}] \"{request}\" {status} {bytes} \"{referer}\" "
    "\"{user_agent}\" queue_us={queue_us} total_us={total_us} id={request_id}";

constexpr std::string_view header_prefix = "header.";

bool is_header_name(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

Result<LogPiece> parse_field(std::string_view word) {
  LogPiece piece;
  if (word.starts_with(header_prefix)) {
    piece.header = word.substr(header_prefix.size());
    piece.field = LogField::header;
    if (is_header_name(piece.header)) return piece;
    return fail(fmt::format("'{}' does not name a request field, as {{header.X-Name}} does", word));
  }
  const auto* const found = std::find(std::begin(field_names), std::end(field_names), word);
  if (found == std::end(field_names)) {
    const std::string_view nearest = nearest_word(word, field_names);
    return fail(nearest.empty()
                    ? fmt::format("there is no field '{}'; there are {}, and header.NAME", word,
                                  fmt::join(field_names, ", "))
                    : fmt::format("there is no field '{}'; did you mean '{}'?", word, nearest));
  }
  piece.field = static_cast<LogField>(found - std::begin(field_names));
  return piece;
}

Result<LogFormat> parse_json(std::string_view words) {
  LogFormat format;
  format.json = true;
  for (const std::string_view word : split(words, ' ')) {
    if (word.empty()) continue;
    auto piece = parse_field(word);
    if (!piece) return tl::unexpected(piece.error());
    format.pieces.push_back(std::move(*piece));
  }
  if (!format.pieces.empty()) return format;
  for (const std::string_view name : field_names) format.pieces.push_back(*parse_field(name));
  return format;
}

Result<LogFormat> parse_text(std::string_view text) {
  LogFormat format;
  std::string between;
  bool quoted = false;
  for (size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool doubled = at + 1 < text.size() && text[at + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      between.push_back(c);
      ++at;
    } else if (c == '{') {
      const size_t end = text.find('}', at);
      if (end == text.npos) return fail("a { without its }");
      auto piece = parse_field(text.substr(at + 1, end - at - 1));
      if (!piece) return tl::unexpected(piece.error());
      piece->before.swap(between);
      piece->quoted = quoted;
      format.pieces.push_back(std::move(*piece));
      at = end;
    } else if (c == '}') {
      return fail("a } without its {; }} is a brace");
    } else if (static_cast<unsigned char>(c) < 0x20 && c != '\t') {
      return fail("a control character");
    } else {
      quoted ^= c == '"';
      between.push_back(c);
    }
  }
  format.after = std::move(between);
  if (format.pieces.empty()) {
    return fail(fmt::format("'{}' is not combined, not json, and has no {{field}}", text));
  }
  return format;
}

}  // namespace

Result<LogFormat> parse_log_format(std::string_view text) {
  if (text == "combined") return parse_text(combined);
  if (text == "json") return parse_json({});
  if (text.starts_with("json ") && text.find('{') == text.npos) return parse_json(text.substr(5));
  return parse_text(text);
}

std::span<const std::string_view> log_field_names() {
  return field_names;
}

std::string log_field_name(const LogPiece& piece) {
  if (piece.field == LogField::header) return fmt::format("{}{}", header_prefix, piece.header);
  return std::string(field_names[static_cast<size_t>(piece.field)]);
}

}  // namespace labcoat::config
