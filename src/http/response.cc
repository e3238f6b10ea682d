#include "http/response.h"

#include <algorithm>
#include <cstring>

#include "http/framing.h"
#include "http/scan.h"

namespace labcoat::http {

namespace {

// Behind the line end at `p`, or nullptr when there is none; `more` when the input stops before one
// can tell. A client may take a bare LF for a line end (RFC 9112 section 2.2).
const char* behind_line_end(const char* p, const char* end, bool& more) {
  more = p == end || (*p == '\r' && p + 1 == end);
  if (more) return nullptr;
  if (*p == '\n') return p + 1;
  return p[0] == '\r' && p[1] == '\n' ? p + 2 : nullptr;
}

// HTTP-version SP status-code [ SP reason-phrase ]; the reason may be missing with its space.
Parsed read_status_line(const char*& p, const char* end, ResponseHead& out) {
  constexpr std::string_view prefix = "HTTP/1.";
  constexpr size_t code_at = prefix.size() + 2;
  const auto left = static_cast<size_t>(end - p);
  if (std::memcmp(p, prefix.data(), std::min(left, prefix.size())) != 0) return Parsed::bad;
  if (left < code_at + 3) return Parsed::need_more;
  const char minor = p[prefix.size()];
  if (!is_class(minor, byte_class::digit) || p[code_at - 1] != ' ') return Parsed::bad;
  out.minor_version = minor == '0' ? 0 : 1;  // a higher minor version is read as the highest known
  out.status = 0;
  for (size_t i = code_at; i < code_at + 3; ++i) {
    if (!is_class(p[i], byte_class::digit)) return Parsed::bad;
    out.status = out.status * 10 + (p[i] - '0');
  }
  if (out.status < 100) return Parsed::bad;
  const char* reason = p + code_at + 3;
  if (reason != end && *reason != ' ' && *reason != '\r' && *reason != '\n') return Parsed::bad;
  bool more;
  const char* next = behind_line_end(find_control(reason, end), end, more);
  if (next == nullptr) return more ? Parsed::need_more : Parsed::bad;
  p = next;
  return Parsed::done;
}

// One field line and the lines folded onto it (obs-fold, RFC 9112 section 5.2, which a client has
// to bear).
Parsed read_field_line(const char*& p, const char* end, Field& field) {
  const char* const name_end = end_of_token(p, end);
  if (name_end == end) return Parsed::need_more;
  if (name_end == p || *name_end != ':') return Parsed::bad;
  const char* value_end = name_end + 1;
  const char* next;
  do {
    value_end = find_control(value_end, end);
    bool more;
    next = behind_line_end(value_end, end, more);
    if (next == nullptr) return more ? Parsed::need_more : Parsed::bad;
    if (next == end) return Parsed::need_more;  // the next line may be folded onto this one
    if (*next == ' ' || *next == '\t') value_end = next;
  } while (value_end == next);
  field.name = {p, static_cast<size_t>(name_end - p)};
  field.value = trim_ows({name_end + 1, static_cast<size_t>(value_end - name_end - 1)});
  p = next;
  return Parsed::done;
}

// What the fields say of framing, kept until the head is complete.
struct Framing {
  ConnectionOptions connection;
  bool coding = false;   // a Transfer-Encoding stood there
  bool chunked = false;  // the last coding seen is chunked

  // False when the body's end cannot be known.
  bool note(const Field& field, ResponseHead& out);
  void finish(ResponseHead& out) const;
};

bool Framing::note(const Field& field, ResponseHead& out) {
  if (same_name(field.name, "connection")) {
    connection.add(field.value);
  } else if (same_name(field.name, "transfer-encoding")) {
    const Coding value = parse_coding(field.value);
    if (value == Coding::malformed || chunked) return false;
    coding = true;
    chunked = value != Coding::others;
  } else if (same_name(field.name, "content-length")) {
    // The same length said twice may be taken as one (RFC 9110 section 8.6).
    std::string_view list = field.value;
    do {
      const int64_t length = parse_length(next_element(list));
      if (length < 0 || (out.content_length >= 0 && out.content_length != length)) return false;
      out.content_length = length;
    } while (!list.empty());
  }
  return true;
}

void Framing::finish(ResponseHead& out) const {
  out.keep_alive = !connection.close && (out.minor_version == 1 || connection.keep_alive);
  if (!coding) return;
  // Transfer-Encoding wins over a length, and neither that nor HTTP/1.0 with one can be trusted for
  // a second message (RFC 9112 sections 6.1 and 6.3).
  if (out.content_length >= 0 || out.minor_version == 0 || !chunked) out.keep_alive = false;
  out.content_length = -1;
  out.chunked = chunked;
}

}  // namespace

Parsed parse_response(std::string_view bytes, ResponseHead& out, size_t& used) {
  const char* p = bytes.data();
  const char* const end = p + bytes.size();
  if (bytes.empty()) return Parsed::need_more;
  out = ResponseHead();
  Parsed verdict = read_status_line(p, end, out);
  const char* const fields = p;
  Framing framing;
  while (verdict == Parsed::done) {
    bool more;
    if (p == end) return Parsed::need_more;
    if (*p == '\r' || *p == '\n') {
      const char* behind = behind_line_end(p, end, more);
      if (behind == nullptr) return more ? Parsed::need_more : Parsed::bad;
      out.fields = {fields, static_cast<size_t>(p - fields)};
      framing.finish(out);
      used = static_cast<size_t>(behind - bytes.data());
      return Parsed::done;
    }
    Field field;
    verdict = read_field_line(p, end, field);
    if (verdict == Parsed::done && !framing.note(field, out)) return Parsed::bad;
  }
  return verdict;
}

std::string_view find_field(std::string_view fields, std::string_view name) {
  const char* p = fields.data();
  const char* const end = p + fields.size();
  while (p != end) {
    const char* const colon = end_of_token(p, end);
    if (colon == end || *colon != ':') return {};
    // A line end is one only when no folded line follows.
    const char* line_end = colon;
    do {
      line_end = static_cast<const char*>(
          std::memchr(line_end + 1, '\n', static_cast<size_t>(end - line_end - 1)));
      if (line_end == nullptr) return {};
    } while (line_end + 1 != end && (line_end[1] == ' ' || line_end[1] == '\t'));
    if (same_name({p, static_cast<size_t>(colon - p)}, name)) {
      std::string_view value(colon + 1, static_cast<size_t>(line_end - colon - 1));
      if (value.ends_with('\r')) value.remove_suffix(1);
      return trim_ows(value);
    }
    p = line_end + 1;
  }
  return {};
}

}  // namespace labcoat::http
