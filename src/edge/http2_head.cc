#include "edge/http2_head.h"

#include <algorithm>

#include "edge/connection.h"
#include "http/authority.h"
#include "http/framing.h"
#include "http/scan.h"

namespace labcoat::edge {
namespace {

constexpr size_t method_bytes_max = 32;   // as in HTTP/1
constexpr size_t overhead_of_field = 32;  // RFC 9113 section 6.5.2

// Fields that speak of one HTTP/1 connection, RFC 9113 section 8.2.2.
bool is_connection_specific(std::string_view name, std::string_view value) {
  switch (name.size()) {
    case 2:
      return name == "te" && value != "trailers";
    case 7:
      return name == "upgrade";
    case 10:
      return name == "connection" || name == "keep-alive";
    case 16:
      return name == "proxy-connection";
    case 17:
      return name == "transfer-encoding";
    default:
      return false;
  }
}

bool is_lower_token(std::string_view name) {
  return http::is_token(name) &&
         std::none_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// RFC 9113 section 8.2.1: no whitespace at either end.
bool is_bare_value(std::string_view value) {
  return http::is_field_value(value) && http::trim_ows(value).size() == value.size();
}

Http2Head::Verdict refuse(http::RequestHead& out, int status, const char* why) {
  out.status = status;
  out.why = why;
  return Http2Head::Verdict::refused;
}

}  // namespace

void Http2Head::begin() {
  text_.clear();
  fields_.clear();
  cookies_.clear();
  method_ = scheme_ = authority_ = path_ = protocol_ = host_ = length_ = expect_ = priority_ = {};
  list_bytes_ = 0;
  regular_ = has_host_ = has_length_ = has_expect_ = too_large_ = false;
  broken_ = nullptr;
}

void Http2Head::shrink() {
  if (text_.capacity() + cookies_.capacity() <= kept_capacity_max) return;
  *this = Http2Head();
}

Http2Head::Piece Http2Head::store(std::string_view text) {
  const Piece piece{static_cast<u32>(text_.size()), static_cast<u32>(text.size())};
  text_.append(text);
  return piece;
}

void Http2Head::add(std::string_view name, std::string_view value,
                    const http::RequestLimits& limits) {
  list_bytes_ += name.size() + value.size() + overhead_of_field;
  if (list_bytes_ > limits.header_bytes_max) too_large_ = true;
  if (too_large_ || broken_ != nullptr) return;
  if (name.starts_with(':')) {
    add_pseudo(name, value);
    return;
  }
  regular_ = true;
  if (!is_lower_token(name)) {
    broken_ = "a field name that is not a token in lower case";
  } else if (!is_bare_value(value)) {
    broken_ = "a field value with control characters or outer whitespace";
  } else if (is_connection_specific(name, value)) {
    broken_ = "a field that speaks of an HTTP/1 connection";
  } else if (name == "cookie") {
    // RFC 9113 section 8.2.3: they may come in crumbs; others know one field.
    if (!cookies_.empty()) cookies_.append("; ");
    cookies_.append(value);
  } else if (name == "host") {
    if (has_host_) broken_ = "more than one host";
    has_host_ = true;
    host_ = store(value);
  } else {
    const size_t fields_max = std::min(limits.fields_max, http::RequestHead::fields_capacity - 2);
    if (fields_.size() == fields_max) {
      too_large_ = true;
      return;
    }
    const StoredField field{store(name), store(value)};
    if (name == "content-length") {
      if (has_length_) broken_ = "more than one content-length";
      has_length_ = true;
      length_ = field.value;
    } else if (name == "expect") {
      has_expect_ = true;
      expect_ = field.value;
    } else if (name == "priority") {
      priority_ = field.value;
    }
    fields_.push_back(field);
  }
}

void Http2Head::add_pseudo(std::string_view name, std::string_view value) {
  if (regular_) {
    broken_ = "a pseudo-field behind regular fields";
    return;
  }
  Piece* const known = name == ":method"      ? &method_
                       : name == ":scheme"    ? &scheme_
                       : name == ":authority" ? &authority_
                       : name == ":path"      ? &path_
                       : name == ":protocol"  ? &protocol_
                                              : nullptr;
  if (known == nullptr) {
    broken_ = "an unknown pseudo-field";
  } else if (known->bytes != 0 || value.empty()) {
    broken_ = "a pseudo-field that is empty or repeated";
  } else {
    *known = store(value);
  }
}

void Http2Head::join_cookies() {
  if (cookies_.empty()) return;
  const Piece name = store("cookie");
  fields_.push_back({name, store(cookies_)});
  cookies_.clear();
}

Http2Head::Verdict Http2Head::finish(const http::RequestLimits& limits, http::RequestHead& out) {
  out.major_version = 2;
  if (too_large_) return refuse(out, 431, "header fields too large");
  join_cookies();
  out.why = why_malformed(out);
  if (out.why != nullptr) return Verdict::malformed;
  out.why = "";
  // Whoever reads fields by name finds the host where HTTP/1 has it.
  out.fields[0] = {"host", out.host};
  out.field_count = 1;
  for (const StoredField& field : fields_) {
    out.fields[out.field_count++] = {view(field.name), view(field.value)};
  }
  if (out.method == "CONNECT") {
    if (!http::same_name(view(protocol_), "websocket")) {
      return refuse(out, 501, "CONNECT is for proxies");
    }
    // Whoever goes by methods finds what HTTP/1.1 has.
    out.connects_websocket = true;
    out.method = "GET";
  }
  const std::string_view scheme = view(scheme_);
  if (!http::same_name(scheme, "http") && !http::same_name(scheme, "https")) {
    return refuse(out, 400, "the scheme is neither http nor https");
  }
  if (has_expect_) {
    if (!http::same_name(view(expect_), "100-continue")) {
      return refuse(out, 417, "unknown expectation");
    }
    out.expect_continue = true;
  }
  return read_target(limits, out);
}

// RFC 9113 section 8.3.1, section 8.5 for CONNECT, RFC 8441 section 4 for CONNECT with a protocol;
// nullptr when it is well-formed.
const char* Http2Head::why_malformed(http::RequestHead& out) const {
  if (broken_ != nullptr) return broken_;
  out.method = view(method_);
  if (!http::is_token(out.method) || out.method.size() > method_bytes_max) {
    return "no method, or one that is not a token";
  }
  const bool has_protocol = protocol_.bytes != 0;
  const bool connect = out.method == "CONNECT" && !has_protocol;
  if (has_protocol && (out.method != "CONNECT" || authority_.bytes == 0)) {
    return "a protocol without CONNECT, or without an authority";
  }
  const bool has_target = scheme_.bytes != 0 && path_.bytes != 0;
  const bool has_part = scheme_.bytes != 0 || path_.bytes != 0;
  if (connect ? has_part || authority_.bytes == 0 : !has_target) {
    return "not the pseudo-fields that the method asks for";
  }
  // An intermediary may have looked at the one, and we at the other.
  out.host = authority_.bytes != 0 ? view(authority_) : view(host_);
  if (has_host_ && !http::same_name(view(host_), out.host)) {
    return "host is not the authority";
  }
  http::Authority authority;
  if (!http::parse_authority(out.host, authority)) return "the authority is not a host and port";
  if (has_length_) {
    out.content_length = http::parse_length(view(length_));
    if (out.content_length < 0) return "content-length is not a length";
  }
  return nullptr;
}

Http2Head::Verdict Http2Head::read_target(const http::RequestLimits& limits,
                                          http::RequestHead& out) const {
  out.target = view(path_);
  const char* const end = out.target.data() + out.target.size();
  const char* const path_end = http::end_of_target_part(out.target.data(), end);
  const char* at = path_end;
  while (at != end && *at == '?') at = http::end_of_target_part(at + 1, end);
  const bool asterisk = out.target == "*" && out.method == "OPTIONS";
  if (at != end || (!out.target.starts_with('/') && !asterisk)) {
    out.why = "the path has a bad byte or no slash in front";
    return Verdict::malformed;
  }
  if (out.target.size() > limits.target_bytes_max) return refuse(out, 414, "target too long");
  out.path = out.target.substr(0, static_cast<size_t>(path_end - out.target.data()));
  out.has_query = path_end != end;
  out.query = out.has_query ? out.target.substr(out.path.size() + 1) : std::string_view();
  return Verdict::good;
}

}  // namespace labcoat::edge
