// An Exchange that becomes a WebSocket: its opening handshake, and what the worker says from then
// on.
#include <openssl/evp.h>

#include "answer/response_head.h"
#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "http/websocket_handshake.h"

namespace labcoat::edge {
namespace {

// Compressing with a small window costs 32 KiB a WebSocket instead of 256, and a little of the
// ratio (docs/decisions.md).
constexpr int window_bits_max = 12;

// Sec-WebSocket-Accept, RFC 6455 section 4.2.2.
std::string accept_of(std::string_view key) {
  std::string text(key);
  text.append("258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int bytes = 0;
  if (EVP_Digest(text.data(), text.size(), digest, &bytes, EVP_sha1(), nullptr) != 1) return {};
  unsigned char base64[2 * EVP_MAX_MD_SIZE];
  const int length = EVP_EncodeBlock(base64, digest, static_cast<int>(bytes));
  return {reinterpret_cast<const char*>(base64), static_cast<size_t>(length)};
}

// The rest of the handshake is the edge's.
bool belongs_to_handshake(std::string_view name) {
  return http::same_name(name, "sec-websocket-accept") ||
         http::same_name(name, "sec-websocket-extensions") ||
         http::same_name(name, "sec-websocket-version") ||
         http::same_name(name, "sec-websocket-key");
}

}  // namespace

void Exchange::read_ask(const http::RequestHead& head) {
  const http::WebSocketAsk ask = http::read_websocket_ask(head);
  websocket_ask_ = static_cast<u32>(ask.status);
  if (ask.status != 101) return;
  acceptance_ = std::make_unique<Acceptance>();
  const std::string& compression = thread_.shared().config->websocket_compression;
  if (compression != "off") {
    acceptance_->deflate = http::agree_on_deflate(
        head, {.forget = compression == "stateless", .window_bits_max = window_bits_max});
  }
  std::string& lines = acceptance_->lines;
  if (!client_.http2) {
    lines = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ";
    lines.append(accept_of(ask.key)).append("\r\n");
  }
  if (acceptance_->deflate) {
    lines.append("Sec-WebSocket-Extensions: ").append(acceptance_->deflate->answer).append("\r\n");
  }
}

// False: it was not asked for, or its head breaks the rules.
bool Exchange::put_accept(const channel::EdgePort::Head& head) {
  if (head_sent_ || !acceptance_) return false;
  const char* why = "";
  answer::Response& response = thread_.response();
  channel::EdgePort::Head as_any = head;
  as_any.status = 200;
  if (!answer::read_app_head(as_any, response, why)) return false;
  std::erase_if(response.fields,
                [](const http::Field& field) { return belongs_to_handshake(field.name); });
  response.status = client_.http2 ? 200 : 101;
  response.lines = acceptance_->lines;
  disarm();
  const channel::EdgePort& port = thread_.port(app_);
  queue_wait_ns_ = port.queue_wait_ns(slot_);
  worker_ = static_cast<int>(port.taken_by(slot_));
  // Before the head: a client that is gone is told to it.
  socket_ = std::make_unique<WebSocket>(thread_, *this, sink_, thread_.port(app_), slot_,
                                        acceptance_->deflate);
  begin_response(response);
  acceptance_.reset();
  if (has_slot_ && thread_.shared().draining.load(std::memory_order_relaxed)) drain();
  return true;
}

// False: this is no WebSocket.
bool Exchange::put_message(const channel::EdgePort::Frame& frame) {
  if (!socket_) return false;
  const size_t bytes = frame.data.size() + frame.more.size();
  socket_->send_piece(frame);
  if (has_slot_ && bytes > 0) thread_.port(app_).consumed(slot_, bytes);
  return true;
}

bool Exchange::put_close(const channel::EdgePort::Close& close) {
  if (!socket_) return false;
  socket_->app_closes(close.code, close.reason);
  return true;
}

void Exchange::send_tunnelled(std::string_view a, std::string_view b) {
  bytes_out_ += a.size() + b.size();
  sink_.send_data(a, b);
}

void Exchange::worker_corrupt() {
  if (has_slot_) end_of_frames(channel::EdgePort::Output::corrupt);
}

void Exchange::client_ended() {
  if (socket_) {
    socket_->client_ended();
  } else {
    client_shut();
  }
}

void Exchange::drain() {
  if (socket_) socket_->close(http::websocket_code::going_away, "the server is shutting down");
}

}  // namespace labcoat::edge
