#include "answer/response_head.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/text.h"
#include "http/field.h"
#include "http/status.h"

namespace labcoat::answer {
namespace {

constexpr std::string_view server_line = "Server: labcoat\r\n";

void append_status_line(int status, std::string_view reason, std::string& out) {
  out.append("HTTP/1.1 ");
  append_number(status, out);
  out.push_back(' ');
  out.append(reason);
  out.append("\r\n");
}

// Fields that are the edge's business: how messages are framed and connections kept (RFC 9110
// section 7.6.1). An app that sets them is overruled, as behind any server.
bool belongs_to_edge(std::string_view name) {
  switch (name.size()) {
    case 7:
      return http::same_name(name, "upgrade") || http::same_name(name, "trailer");
    case 10:
      return http::same_name(name, "connection") || http::same_name(name, "keep-alive");
    case 14:
      return http::same_name(name, "content-length");
    case 16:
      return http::same_name(name, "proxy-connection");
    case 17:
      return http::same_name(name, "transfer-encoding");
    default:
      return false;
  }
}

void append_connection(const ResponseContext& context, bool keep_alive, std::string& out) {
  if (!keep_alive) {
    out.append("Connection: close\r\n");
  } else if (context.minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
}

ResponseFacts frame(int status, i64 body_bytes, const ResponseContext& context) {
  ResponseFacts facts;
  facts.keep_alive = context.keep_alive;
  facts.body_bytes = body_bytes;
  if (context.head_request || http::forbids_body(status)) {
    facts.framing = Framing::none;
  } else if (body_bytes >= 0) {
    facts.framing = Framing::content_length;
  } else if (context.minor_version >= 1) {
    facts.framing = Framing::chunked;
  } else {
    facts.framing = Framing::until_close;
    facts.keep_alive = false;
  }
  return facts;
}

// Fields that a recipient would have needed before the body, or at another place.
bool is_no_trailer(std::string_view name) {
  constexpr std::string_view names[] = {
      "age",
      "authorization",
      "cache-control",
      "content-encoding",
      "content-range",
      "content-type",
      "date",
      "expires",
      "host",
      "location",
      "max-forwards",
      "proxy-authenticate",
      "retry-after",
      "set-cookie",
      "te",
      "vary",
      "warning",
      "www-authenticate",
  };
  return std::any_of(std::begin(names), std::end(names),
                     [&](std::string_view one) { return http::same_name(one, name); });
}

// Checks every field; those that the edge answers for, or that `left_out` names, are passed over.
template <class LeftOut>
bool read_fields(const channel::EdgePort::Head& head, Response& response, const char*& why,
                 const LeftOut& left_out) {
  const char* at = head.fields.data();
  for (u32 i = 0; i < head.field_count; ++i) {
    channel::FieldHeader field;
    std::memcpy(&field, at, sizeof field);
    const std::string_view name(at + sizeof field, field.name_bytes);
    const std::string_view value(name.data() + name.size(), field.value_bytes);
    at = value.data() + value.size();
    if (!http::is_token(name)) {
      why = "a field name that is not a token";
      return false;
    }
    if (!http::is_field_value(value)) {
      why = "a control character in a field value";
      return false;
    }
    if (!belongs_to_edge(name) && !left_out(name)) response.fields.push_back({name, value});
  }
  return true;
}

}  // namespace

bool read_app_head(const channel::EdgePort::Head& head, Response& response, const char*& why) {
  const auto refuse = [&](const char* reason) {
    why = reason;
    return false;
  };
  response.clear();
  if (head.status < 200 || head.status > 599) return refuse("a status outside 200 to 599");
  if (!http::is_field_value(head.reason)) return refuse("a control character in the reason phrase");
  response.status = head.status;
  response.reason = head.reason;
  response.body_bytes = head.body_bytes;
  return read_fields(head, response, why, [&](std::string_view name) {
    if (name.size() == 4 && http::same_name(name, "date")) response.has_date = true;
    if (name.size() == 6 && http::same_name(name, "server")) response.has_server = true;
    return false;
  });
}

bool read_app_hints(const channel::EdgePort::Head& head, Response& response, const char*& why) {
  response.clear();
  response.status = 103;
  return read_fields(head, response, why, [](std::string_view name) {
    return http::same_name(name, "set-cookie") || http::same_name(name, "content-type");
  });
}

bool read_app_trailers(const channel::EdgePort::Head& head, Response& response, const char*& why) {
  response.clear();
  return read_fields(head, response, why, is_no_trailer);
}

void append_fields(const Response& response, std::string& out) {
  for (const http::Field& field : response.fields) {
    out.append(field.name).append(": ").append(field.value).append("\r\n");
  }
}

void append_http1_hints(const Response& response, std::string& out) {
  append_status_line(response.status, http::reason_phrase(response.status), out);
  append_fields(response, out);
  out.append("\r\n");
}

ResponseFacts append_http1_head(const Response& response, const ResponseContext& context,
                                std::string& out) {
  const ResponseFacts facts = frame(response.status, response.body_bytes, context);
  append_status_line(
      response.status,
      response.reason.data() != nullptr ? response.reason : http::reason_phrase(response.status),
      out);
  append_fields(response, out);
  out.append(response.lines);
  if (!response.has_date) out.append(context.date_line);
  if (!response.has_server) out.append(server_line);
  if (response.status != 101) append_connection(context, facts.keep_alive, out);
  const bool tells_length =
      facts.framing == Framing::content_length ||
      (context.head_request && response.body_bytes >= 0 && !http::forbids_body(response.status));
  if (tells_length) {
    out.append("Content-Length: ");
    append_number(response.body_bytes, out);
    out.append("\r\n");
  } else if (facts.framing == Framing::chunked) {
    out.append("Transfer-Encoding: chunked\r\n");
  }
  out.append("\r\n");
  return facts;
}

void append_chunk_size(size_t bytes, std::string& out) {
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof digits, bytes, 16);
  out.append(digits, static_cast<size_t>(end - digits));
  out.append("\r\n");
}

}  // namespace labcoat::answer
