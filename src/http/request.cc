// One pass over the head: each line is scanned once for its parts, and the fields that decide
// framing are recognised as they go by. Refusing takes a slower way, which nobody is in a hurry
// for.
#include "http/request.h"

#include <algorithm>
#include <cstring>

#include "http/authority.h"
#include "http/request_facts.h"
#include "http/scan.h"

namespace labcoat::http {

namespace {

constexpr size_t method_bytes_max = 32;
constexpr size_t version_bytes = 8;  // "HTTP/1.1"

struct Input {
  const char* begin;
  const char* end;
  size_t target_bytes_max;

  // Longer than this no request line can be good.
  size_t line_bytes_max() const {
    return method_bytes_max + 1 + target_bytes_max + 1 + version_bytes;
  }
};

std::string_view between(const char* from, const char* to) {
  return {from, static_cast<size_t>(to - from)};
}

Parsed refuse(RequestHead& out, int status, const char* why) {
  out.status = status;
  out.why = why;
  return Parsed::bad;
}

// A line is judged once it ends or holds a byte that no line may hold; until then it is only
// unfinished.
Parsed refuse_line(const Input& in, const char* line, RequestHead& out, int status,
                   const char* why) {
  if (find_control(line, in.end) == in.end) return Parsed::need_more;
  return refuse(out, status, why);
}

Parsed refuse_request_line(const Input& in, const char* line, RequestHead& out, int status,
                           const char* why) {
  const auto length = static_cast<size_t>(find_control(line, in.end) - line);
  if (length > in.line_bytes_max()) return refuse(out, 414, "request line too long");
  return refuse_line(in, line, out, status, why);
}

// `control` is where a line should have ended with CRLF and did not.
Parsed refuse_line_end(const Input& in, const char* control, RequestHead& out) {
  if (control == in.end) return Parsed::need_more;
  if (*control == '\n') return refuse(out, 400, "LF without CR");
  if (*control != '\r') return refuse(out, 400, "control byte");
  if (control + 1 == in.end) return Parsed::need_more;
  return refuse(out, 400, "CR without LF");
}

bool is_line_end(const char* p, const char* end) {
  return end - p >= 2 && p[0] == '\r' && p[1] == '\n';
}

// The version was not HTTP/1.0 or HTTP/1.1 with a line end behind it: unfinished, malformed, or not
// ours.
Parsed refuse_version(const Input& in, const char* line, const char* version, RequestHead& out) {
  const char* control = find_control(version, in.end);
  if (control == in.end) return refuse_request_line(in, line, out, 400, "");
  const std::string_view text = between(version, control);
  const bool well_formed = text.size() == version_bytes && text.starts_with("HTTP/") &&
                           is_class(text[5], byte_class::digit) && text[6] == '.' &&
                           is_class(text[7], byte_class::digit);
  if (!well_formed) return refuse_request_line(in, line, out, 400, "malformed HTTP version");
  if (*control != '\r') return refuse_line_end(in, control, out);
  if (text[5] != '1' || text[7] > '1') return refuse(out, 505, "HTTP version is not 1.0 or 1.1");
  return refuse_line_end(in, control, out);
}

// "http://host:port/path?query", RFC 9112 section 3.2.2.
bool split_absolute_form(std::string_view target, RequestHead& out, std::string_view& host) {
  const size_t scheme = target.find("://");
  if (scheme == target.npos) return false;
  const std::string_view name = target.substr(0, scheme);
  if (!same_name(name, "http") && !same_name(name, "https")) return false;
  const std::string_view rest = target.substr(scheme + 3);
  host = rest.substr(0, rest.find_first_of("/?"));
  out.path = rest.substr(host.size());
  const size_t mark = out.path.find('?');
  out.has_query = mark != out.path.npos;
  out.query = out.has_query ? out.path.substr(mark + 1) : std::string_view();
  out.path = out.path.substr(0, mark);
  // A missing path means "/" (RFC 9110 section 4.2.3); the one of "://" is at hand.
  if (out.path.empty()) out.path = target.substr(scheme + 1, 1);
  Authority authority;
  return parse_authority(host, authority);
}

// The forms that are not "/path", RFC 9112 section 3.2.
Parsed read_rare_target(RequestHead& out, std::string_view& host) {
  if (out.method == "CONNECT") {
    Authority authority;
    if (!parse_authority(out.target, authority) || authority.port.empty()) {
      return refuse(out, 400, "CONNECT without host:port");
    }
    return refuse(out, 501, "CONNECT is for proxies");
  }
  out.has_query = false;
  out.query = {};
  if (out.target == "*") {
    out.path = out.target;
    return out.method == "OPTIONS" ? Parsed::done : refuse(out, 400, "target * is for OPTIONS");
  }
  if (split_absolute_form(out.target, out, host)) return Parsed::done;
  return refuse(out, 400, "target is neither a path nor an http URL");
}

// method SP request-target SP HTTP-version CRLF. `p` moves behind it on done.
Parsed read_request_line(const Input& in, const char*& p, RequestHead& out,
                         std::string_view& host) {
  const char* const line = p;
  const char* const method_end = skip_class(line, in.end, byte_class::token);
  if (method_end == in.end || *method_end != ' ' || method_end == line) {
    return refuse_request_line(in, line, out, 400, "method is not a token");
  }
  out.method = between(line, method_end);
  if (out.method.size() > method_bytes_max) {
    return refuse_request_line(in, line, out, 400, "method too long");
  }

  const char* const target = method_end + 1;
  const char* target_end = end_of_target_part(target, in.end);
  const char* const path_end = target_end;
  while (target_end != in.end && *target_end == '?') {
    target_end = end_of_target_part(target_end + 1, in.end);
  }
  if (target_end == in.end || *target_end != ' ' || target_end == target) {
    return refuse_request_line(in, line, out, 400, "bad byte in the target, or no target");
  }
  out.target = between(target, target_end);
  if (out.target.size() > in.target_bytes_max) {
    return refuse_request_line(in, line, out, 414, "target too long");
  }

  const char* const version = target_end + 1;
  if (in.end - version < static_cast<ptrdiff_t>(version_bytes) + 2 ||
      std::memcmp(version, "HTTP/1.", 7) != 0 || (version[7] != '1' && version[7] != '0') ||
      !is_line_end(version + version_bytes, in.end)) {
    return refuse_version(in, line, version, out);
  }
  out.minor_version = version[7] - '0';
  p = version + version_bytes + 2;
  if (*target != '/' || out.method == "CONNECT") return read_rare_target(out, host);
  out.path = between(target, path_end);
  out.has_query = path_end != target_end;
  out.query = out.has_query ? between(path_end + 1, target_end) : std::string_view();
  return Parsed::done;
}

const char* why_bad_name(const char* line, const char* name_end) {
  if (*line == ' ' || *line == '\t') return "whitespace at the start of a field line";
  if (name_end == line) return "no field name";
  if (*name_end == ' ' || *name_end == '\t') return "whitespace before the colon";
  return "bad byte in a field name";
}

// field-name ":" OWS field-value OWS CRLF. `p` moves behind it on done.
inline Parsed read_field_line(const Input& in, const char*& p, Field& field, RequestHead& out) {
  const char* const line = p;
  const char* const name_end = end_of_token(line, in.end);
  if (name_end == in.end) return Parsed::need_more;
  if (*name_end != ':' || name_end == line) [[unlikely]] {
    return refuse_line(in, line, out, 400, why_bad_name(line, name_end));
  }
  const char* value = name_end + 1;
  while (value != in.end && (*value == ' ' || *value == '\t')) ++value;
  const char* value_end = find_control(value, in.end);
  if (!is_line_end(value_end, in.end)) [[unlikely]]
    return refuse_line_end(in, value_end, out);
  p = value_end + 2;
  while (value_end != value && (value_end[-1] == ' ' || value_end[-1] == '\t')) --value_end;
  field = {between(line, name_end), between(value, value_end)};
  return Parsed::done;
}

// The whole head from its first byte. On need_more `scanned` is where the line that was cut off has
// its first control byte, or the end.
Parsed read_head(const Input& in, size_t fields_max, RequestHead& out, size_t& used,
                 size_t& scanned) {
  const char* p = in.begin;
  RequestFacts facts(out);
  std::string_view target_host;
  if (p != in.end && *p == '\r') {
    if (!is_line_end(p, in.end)) return refuse_line_end(in, p, out);
    p += 2;
  }
  Parsed verdict = read_request_line(in, p, out, target_host);
  while (verdict == Parsed::done) {
    if (p != in.end && *p == '\r') {
      if (is_line_end(p, in.end)) break;
      verdict = refuse_line_end(in, p, out);
    } else {
      Field field;
      verdict = read_field_line(in, p, field, out);
      if (verdict == Parsed::done) facts.note(field, fields_max);
    }
  }
  if (verdict == Parsed::need_more) {
    scanned = static_cast<size_t>(find_control(p, in.end) - in.begin);
    return verdict;
  }
  if (verdict == Parsed::bad) return verdict;
  used = static_cast<size_t>(p + 2 - in.begin);
  scanned = 0;
  return facts.finish(target_host);
}

// A cut-off head with more bytes behind it. Only lines that were not complete before are looked at,
// and only to see whether the head ends or is broken; then it is read as a whole once more.
Parsed resume_head(const Input& in, size_t fields_max, RequestHead& out, size_t& used,
                   size_t& scanned) {
  const std::string_view bytes = between(in.begin, in.end);
  const size_t request_line = bytes.starts_with('\r') ? 2 : 0;
  size_t at = std::min(scanned, bytes.size());
  for (;;) {
    const char* const control = find_control(in.begin + at, in.end);
    scanned = static_cast<size_t>(control - in.begin);
    if (control == in.end) {
      // A good request line has its end by here.
      const size_t longest = request_line + in.line_bytes_max();
      const bool too_long =
          scanned > longest && bytes.substr(request_line, longest + 2).find('\n') == bytes.npos;
      return too_long ? refuse(out, 414, "request line too long") : Parsed::need_more;
    }
    const size_t previous_end = bytes.substr(0, scanned).rfind('\n');
    const size_t line_start = previous_end == bytes.npos ? 0 : previous_end + 1;
    if (line_start <= request_line) return read_head(in, fields_max, out, used, scanned);
    const char* line = in.begin + line_start;
    if (control == line && *line == '\r') {  // the empty line
      if (line + 1 == in.end) return Parsed::need_more;
      return read_head(in, fields_max, out, used, scanned);
    }
    Field field;
    const Parsed verdict = read_field_line(in, line, field, out);
    if (verdict != Parsed::done) return verdict;
    at = static_cast<size_t>(line - in.begin);
  }
}

}  // namespace

const Field* RequestHead::find(std::string_view name) const {
  for (size_t i = 0; i < field_count; ++i) {
    if (same_name(fields[i].name, name)) return &fields[i];
  }
  return nullptr;
}

Parsed parse_request(std::string_view bytes, const RequestLimits& limits, RequestHead& out,
                     size_t& used, size_t& scanned) {
  // What lies behind the limit cannot belong to a head, and is not looked at.
  const std::string_view window = bytes.substr(0, limits.header_bytes_max);
  const Input in{window.data(), window.data() + window.size(), limits.target_bytes_max};
  const size_t fields_max = std::min(limits.fields_max, RequestHead::fields_capacity);
  const Parsed verdict = scanned == 0 ? read_head(in, fields_max, out, used, scanned)
                                      : resume_head(in, fields_max, out, used, scanned);
  if (verdict != Parsed::need_more || bytes.size() == window.size()) return verdict;
  if (window.find('\n', 2) == window.npos) return refuse(out, 414, "request line too long");
  return refuse(out, 431, "head too long");
}

}  // namespace labcoat::http
