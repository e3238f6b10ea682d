#include "http/websocket_handshake.h"

#include "http/framing.h"
#include "http/scan.h"

namespace labcoat::http {
namespace {

bool names_websocket(std::string_view upgrade) {
  while (!upgrade.empty()) {
    if (same_name(next_element(upgrade), "websocket")) return true;
  }
  return false;
}

bool upgrades_to_websocket(const RequestHead& head) {
  for (size_t i = 0; i < head.field_count; ++i) {
    const Field& field = head.fields[i];
    if (same_name(field.name, "upgrade") && names_websocket(field.value)) return true;
  }
  return false;
}

// Base64 of sixteen bytes: 22 digits, the last of which has four bits that are zero, and "==".
bool is_key(std::string_view value) {
  if (value.size() != 24 || !value.ends_with("==")) return false;
  for (const char c : value.substr(0, 22)) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && !is_class(c, byte_class::digit) && c != '+' && c != '/') return false;
  }
  return std::string_view("AQgw").find(value[21]) != std::string_view::npos;
}

size_t count(const RequestHead& head, std::string_view name) {
  size_t found = 0;
  for (size_t i = 0; i < head.field_count; ++i) found += same_name(head.fields[i].name, name);
  return found;
}

WebSocketAsk refuse(int status, const char* why) {
  return {.status = status, .why = why, .key = {}};
}

}  // namespace

WebSocketAsk read_websocket_ask(const RequestHead& head) {
  const bool http2 = head.major_version == 2;
  if (http2 ? !head.connects_websocket : !head.upgrade || !upgrades_to_websocket(head)) return {};
  if (!http2 && head.method != "GET") return refuse(400, "a WebSocket begins with GET");
  if (!http2 && head.minor_version == 0) return refuse(400, "a WebSocket needs HTTP/1.1");
  if (head.content_length > 0 || head.chunked)
    return refuse(400, "a WebSocket begins without a body");
  const Field* const version = head.find("sec-websocket-version");
  if (version == nullptr) return refuse(400, "Sec-WebSocket-Version is missing");
  if (count(head, "sec-websocket-version") > 1) return refuse(400, "two versions of WebSocket");
  if (version->value != "13") return refuse(426, "the version of WebSocket is 13");
  if (http2) return {.status = 101, .why = "", .key = {}};
  const Field* const key = head.find("sec-websocket-key");
  if (key == nullptr || count(head, "sec-websocket-key") > 1 || !is_key(key->value)) {
    return refuse(400, "Sec-WebSocket-Key is missing, repeated, or no base64 of 16 bytes");
  }
  return {.status = 101, .why = "", .key = key->value};
}

}  // namespace labcoat::http
