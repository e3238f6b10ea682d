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
// unfinished. `control` is its first control byte, or the end of the input. On done, that is a
// CRLF.
Parsed judge_line_end(const Input& in, const char* control, RequestHead& out) {
  if (in.end - control >= 2 && control[0] == '\r' && control[1] == '\n') [[likely]] {
    return Parsed::done;
  }
  if (control == in.end) return Parsed::need_more;
  if (*control == '\n') return refuse(out, 400, "LF without CR");
  if (*control != '\r') return refuse(out, 400, "control byte");
  if (control + 1 == in.end) return Parsed::need_more;
  return refuse(out, 400, "CR without LF");
}

// The version is neither HTTP/1.0 nor HTTP/1.1.
Parsed refuse_version(std::string_view text, RequestHead& out) {
  const bool well_formed = text.size() == version_bytes && text.starts_with("HTTP/") &&
                           is_class(text[5], byte_class::digit) && text[6] == '.' &&
                           is_class(text[7], byte_class::digit);
  return well_formed ? refuse(out, 505, "HTTP version is not 1.0 or 1.1")
                     : refuse(out, 400, "malformed HTTP version");
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
Parsed read_request_line(const Input& in, ControlFinder& controls, const char*& p, RequestHead& out,
                         std::string_view& host) {
  const char* const line = p;
  const char* const line_end = controls.next(line);
  if (static_cast<size_t>(line_end - line) > in.line_bytes_max()) {
    return refuse(out, 414, "request line too long");
  }
  const Parsed ended = judge_line_end(in, line_end, out);
  if (ended != Parsed::done) return ended;
  p = line_end + 2;

  const char* const method_end = skip_class(line, line_end, byte_class::token);
  out.method = between(line, method_end);
  if (*method_end != ' ' || method_end == line) return refuse(out, 400, "method is not a token");
  if (out.method.size() > method_bytes_max) return refuse(out, 400, "method too long");

  const char* const target = method_end + 1;
  const char* const path_end = end_of_target_part(target, line_end);
  const char* target_end = path_end;
  while (*target_end == '?') target_end = end_of_target_part(target_end + 1, line_end);
  out.target = between(target, target_end);
  if (*target_end == '\r') return refuse(out, 400, "no HTTP version");
  if (*target_end != ' ' || target_end == target) return refuse(out, 400, "bad byte in the target");
  if (out.target.size() > in.target_bytes_max) return refuse(out, 414, "target too long");

  const char* const version = target_end + 1;
  if (line_end - version != version_bytes || std::memcmp(version, "HTTP/1.", 7) != 0 ||
      (version[7] != '1' && version[7] != '0')) {
    return refuse_version(between(version, line_end), out);
  }
  out.minor_version = version[7] - '0';
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
  return "bad byte in a field name, or no colon";
}

// field-name ":" OWS field-value OWS CRLF. `p` moves behind it on done. The end of the line is
// looked for first: where the next line starts then hangs on nothing else, and the CPU reads it
// while this one is still being taken apart.
[[gnu::always_inline]] inline Parsed read_field_line(const Input& in, ControlFinder& controls,
                                                     const char*& p, Field& field,
                                                     RequestHead& out) {
  const char* const line = p;
  const char* value_end = controls.next(line);
  const Parsed ended = judge_line_end(in, value_end, out);
  if (ended != Parsed::done) [[unlikely]]
    return ended;
  p = value_end + 2;

  const char* const name_end = end_of_token(line, in.end);
  if (*name_end != ':' || name_end == line) [[unlikely]] {
    return refuse(out, 400, why_bad_name(line, name_end));
  }
  const char* value = name_end + 1;
  while (*value == ' ' || *value == '\t') ++value;
  while (value_end != value && (value_end[-1] == ' ' || value_end[-1] == '\t')) --value_end;
  field = {between(line, name_end), between(value, value_end)};
  return Parsed::done;
}

// The whole head from its first byte. On need_more `scanned` is where the line that was cut off has
// its first control byte, or the end.
Parsed read_head(const Input& in, size_t fields_max, RequestHead& out, size_t& used,
                 size_t& scanned) {
  const char* p = in.begin;
  RequestFacts facts(out, fields_max);
  ControlFinder controls(in.begin, in.end);
  std::string_view target_host;
  Parsed verdict = Parsed::done;
  if (p != in.end && *p == '\r') {
    verdict = judge_line_end(in, p, out);
    if (verdict == Parsed::done) p += 2;
  }
  if (verdict == Parsed::done) verdict = read_request_line(in, controls, p, out, target_host);
  while (verdict == Parsed::done) {
    if (p != in.end && *p == '\r') {
      verdict = judge_line_end(in, p, out);
      if (verdict != Parsed::done) break;
      used = static_cast<size_t>(p + 2 - in.begin);
      scanned = 0;
      return facts.finish(target_host);
    }
    // Straight into its place: a copy of views just written stalls on their stores.
    Field& field = facts.next_field();
    verdict = read_field_line(in, controls, p, field, out);
    if (verdict == Parsed::done) facts.note(field);
  }
  if (verdict == Parsed::need_more && in.begin != in.end) {
    scanned = std::max<size_t>(1, static_cast<size_t>(find_control(p, in.end) - in.begin));
  }
  return verdict;
}

// A cut-off head with more bytes behind it. Only lines that were not complete before are looked at,
// and only to see whether the head ends or is broken; then it is read as a whole once more.
Parsed resume_head(const Input& in, size_t fields_max, RequestHead& out, size_t& used,
                   size_t& scanned) {
  const std::string_view bytes = between(in.begin, in.end);
  const size_t request_line = bytes.starts_with('\r') ? 2 : 0;
  size_t at = std::min(scanned, bytes.size());
  if (at < request_line) return read_head(in, fields_max, out, used, scanned);
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
    if (control == line && *line == '\r') {  // the empty line, or its first half
      const Parsed ended = judge_line_end(in, line, out);
      return ended == Parsed::done ? read_head(in, fields_max, out, used, scanned) : ended;
    }
    Field field;
    ControlFinder controls(line, in.end);
    const Parsed verdict = read_field_line(in, controls, line, field, out);
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
