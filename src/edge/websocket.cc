#include "edge/websocket.h"

#include <algorithm>

#include "edge/edge_thread.h"
#include "edge/exchange.h"

namespace labcoat::edge {
namespace {

using channel::FrameType;
using http::WebSocketDecoder;
using http::WebSocketOpcode;
namespace code = http::websocket_code;

// Shorter messages do not become shorter by compressing them.
constexpr size_t deflated_bytes_min = 64;

http::WebSocketDecoder::Rules rules_of(const config::Limits& limits, bool deflate) {
  return {.message_bytes_max = static_cast<u64>(limits.websocket_message_bytes),
          .deflate = deflate,
          .masked = true};
}

FrameType type_of(bool text, bool last) {
  if (text) return last ? FrameType::text : FrameType::text_part;
  return last ? FrameType::binary : FrameType::binary_part;
}

}  // namespace

WebSocket::WebSocket(EdgeThread& thread, Exchange& exchange, answer::ResponseSink& sink,
                     channel::EdgePort& port, u32 slot,
                     const std::optional<http::DeflateAgreement>& deflate)
    : thread_(thread),
      exchange_(exchange),
      sink_(sink),
      port_(port),
      slot_(slot),
      decoder_(rules_of(thread.shared().config->limits, deflate.has_value())) {
  if (deflate) {
    inflater_.emplace(deflate->client_window_bits, deflate->client_forgets);
    deflater_.emplace(deflate->server_window_bits, deflate->server_forgets);
  }
  thread_.count().websockets.add();
  thread_.count().websockets_open.add();
  if (thread_.shared().config->limits.websocket_ping_ns > 0) {
    thread_.ping_timeouts.arm(*this, thread_.now());
  }
}

WebSocket::~WebSocket() {
  leave();
}

size_t WebSocket::take(std::string_view bytes) {
  if (!bytes.empty()) heard_ = true;
  size_t used = 0;
  while (state_ != State::over) {
    std::string_view window = bytes.substr(used);
    if (state_ == State::open) {
      // Pings are answered only while the client takes the answers.
      if (!inflate_held() || !sink_.wants_more()) return used;
      if (state_ != State::open) continue;
      // A tunnel of HTTP/2 may bring more at once than one read of a socket.
      const size_t room = std::min(inbox_room(), thread_.plain().size());
      if (state_ != State::open) continue;
      if (room == 0) return used;
      window = window.substr(0, room);
    }
    if (window.empty()) return used;
    const WebSocketDecoder::Outcome outcome = decoder_.next(window);
    used += outcome.consumed;
    switch (outcome.step) {
      case WebSocketDecoder::Step::data:
        if (state_ == State::open) take_data(outcome);
        break;
      case WebSocketDecoder::Step::control:
        take_control(outcome.opcode, outcome.payload);
        break;
      case WebSocketDecoder::Step::need_more:
        break;
      case WebSocketDecoder::Step::bad:
        fail(outcome.code, outcome.why);
        break;
    }
  }
  return bytes.size();
}

void WebSocket::take_data(const WebSocketDecoder::Outcome& piece) {
  if (piece.begins) {
    is_text_ = piece.opcode == WebSocketOpcode::text;
    utf8_ = {};
    message_bytes_ = 0;
  }
  if (piece.compressed) {
    held_ = std::make_unique<Held>();
    held_->bytes.resize(piece.payload.size());
    held_->last = piece.ends;
    http::unmask(piece.payload, piece.mask, held_->bytes.data());
    inflate_held();
    return;
  }
  std::vector<char>& plain = thread_.plain();
  http::unmask(piece.payload, piece.mask, plain.data());
  deliver({plain.data(), piece.payload.size()}, piece.ends);
}

// 0: the worker is behind; or it has broken the rules of the channel and is not ours any more.
size_t WebSocket::inbox_room() {
  const size_t room = port_.inbox_room(slot_);
  if (room == 0 && port_.is_corrupt(slot_)) exchange_.worker_corrupt();
  return room;
}

// False: the worker has no room. What is held may be gone because the connection had to be failed.
bool WebSocket::inflate_held() {
  const auto limit = static_cast<u64>(thread_.shared().config->limits.websocket_message_bytes);
  while (held_) {
    const size_t room = std::min(inbox_room(), thread_.plain().size());
    if (room == 0) return state_ != State::open;
    std::string_view input = std::string_view(held_->bytes).substr(held_->used);
    size_t produced = 0;
    if (!inflater_->inflate(input, held_->last, thread_.plain().data(), room, produced)) {
      fail(code::not_utf8, "a compressed message that is no deflate");
      return true;
    }
    held_->used = held_->bytes.size() - input.size();
    message_bytes_ += produced;
    if (message_bytes_ > limit) {
      fail(code::too_large, "a message that is too large once it is inflated");
      return true;
    }
    const bool done = input.empty() && produced < room;
    const bool last = done && held_->last;
    if (!deliver({thread_.plain().data(), produced}, last)) return true;
    if (last) inflater_->end_message();
    if (done) held_.reset();
  }
  return true;
}

// A piece of the client's message, which the inbox has room for. False: it is no UTF-8.
bool WebSocket::deliver(std::string_view piece, bool last) {
  if (is_text_ && (!utf8_.add(piece) || (last && !utf8_.complete()))) {
    fail(code::not_utf8, "a text that is not UTF-8");
    return false;
  }
  if (last) thread_.count().websocket_messages_in.add();
  if (last || !piece.empty()) port_.put_message(slot_, type_of(is_text_, last), piece);
  return true;
}

void WebSocket::take_control(WebSocketOpcode opcode, std::string_view payload) {
  switch (opcode) {
    case WebSocketOpcode::ping:
      if (state_ == State::open) send_frame({.opcode = WebSocketOpcode::pong}, payload, {});
      break;
    case WebSocketOpcode::close:
      take_close(payload);
      break;
    default:
      break;  // a pong: that it was heard is all there is to it
  }
}

void WebSocket::take_close(std::string_view payload) {
  const http::WebSocketClose close = http::parse_websocket_close(payload);
  if (!close.ok) {
    fail(close.code, "a close frame that breaks the rules");
    return;
  }
  if (state_ == State::open) {
    note_code(close.code);
    send_close(close.code, {});
    tell_worker(close.code, close.reason);
  }
  end();
}

void WebSocket::fail(u16 why_code, std::string_view why) {
  if (state_ == State::open) {
    note_code(why_code);
    send_close(why_code, why);
    tell_worker(why_code, why);
  }
  end();
}

void WebSocket::send_frame(http::WebSocketFrame frame, std::string_view a, std::string_view b) {
  std::string& head = thread_.frame_head();
  head.clear();
  http::append_websocket_header(frame, a.size() + b.size(), head);
  exchange_.send_tunnelled(head, {});
  if (!a.empty()) exchange_.send_tunnelled(a, b);
}

void WebSocket::send_close(u16 close_code, std::string_view reason) {
  std::string& frame = thread_.frame_head();
  frame.clear();
  http::append_websocket_close(close_code, reason, frame);
  exchange_.send_tunnelled(frame, {});
}

// Pieces become fragments as they come, so that a message of any size needs no memory here.
void WebSocket::send_piece(const channel::EdgePort::Frame& message) {
  if (state_ != State::open) return;
  const bool last = message.message.last;
  http::WebSocketFrame frame{.opcode = message_begun_         ? WebSocketOpcode::continuation
                                       : message.message.text ? WebSocketOpcode::text
                                                              : WebSocketOpcode::binary,
                             .final = last};
  if (!message_begun_) {
    deflating_ =
        deflater_ && (!last || message.data.size() + message.more.size() >= deflated_bytes_min);
  }
  if (last) thread_.count().websocket_messages_out.add();
  if (!deflating_) {
    message_begun_ = !last;
    send_frame(frame, message.data, message.more);
    return;
  }
  std::string& text = thread_.deflated();
  text.clear();
  if (!deflater_->deflate(message.data, last && message.more.empty(), text) ||
      (!message.more.empty() && !deflater_->deflate(message.more, last, text))) {
    close(code::internal_error, "no memory");
    return;
  }
  if (text.empty() && !last) return;  // all of it is still with the compressor
  frame.compressed = !message_begun_;
  message_begun_ = !last;
  send_frame(frame, text, {});
}

void WebSocket::app_closes(u16 close_code, std::string_view reason) {
  has_worker_ = false;
  if (state_ != State::open) return;
  http::Utf8Checker checker;
  const bool good =
      http::is_websocket_code(close_code) && checker.add(reason) && checker.complete();
  begin_closing(good ? close_code : code::internal_error, good ? reason : std::string_view());
}

void WebSocket::worker_lost(u16 close_code, std::string_view why) {
  has_worker_ = false;
  if (state_ == State::open) begin_closing(close_code, why);
}

void WebSocket::close(u16 close_code, std::string_view reason) {
  if (state_ != State::open) return;
  begin_closing(close_code, reason);
  tell_worker(close_code, reason);
}

void WebSocket::begin_closing(u16 close_code, std::string_view reason) {
  note_code(close_code);
  held_.reset();
  state_ = State::closing;
  thread_.close_timeouts.arm(*this, thread_.now());
  send_close(close_code, reason);
}

void WebSocket::client_lost() {
  if (state_ == State::over) return;
  note_code(code::abnormal);
  leave();
  tell_worker(code::abnormal, {});
}

void WebSocket::client_ended() {
  if (state_ == State::over) return;
  client_lost();
  sink_.end();
}

// Nothing of it is wanted any more, and the slot is given up.
void WebSocket::tell_worker(u16 close_code, std::string_view reason) {
  if (!std::exchange(has_worker_, false)) return;
  port_.put_close(slot_, close_code, reason);
  exchange_.leave_worker();
}

// The handshake is complete, or beyond hope: the connection ends.
void WebSocket::end() {
  if (state_ == State::over) return;
  leave();
  sink_.end();
}

void WebSocket::leave() {
  if (std::exchange(state_, State::over) == State::over) return;
  disarm();
  held_.reset();
  thread_.count().websockets_open.subtract();
}

void WebSocket::on_timeout() {
  if (state_ == State::closing) {
    thread_.count().timeout_websocket_close.add();
    end();
  } else if (state_ == State::open) {
    on_ping_due();
  }
  sink_.settle();
}

void WebSocket::on_ping_due() {
  // While the worker or the client is behind nothing is read: the answer may be there already.
  const bool unread = inbox_room() == 0 || !sink_.wants_more();
  if (state_ != State::open) return;
  if (std::exchange(heard_, false) || unread) {
    awaits_pong_ = false;
    thread_.ping_timeouts.arm(*this, thread_.now());
  } else if (!std::exchange(awaits_pong_, true)) {
    thread_.pong_timeouts.arm(*this, thread_.now());
    send_frame({.opcode = WebSocketOpcode::ping}, {}, {});
  } else {
    thread_.count().timeout_websocket_ping.add();
    fail(code::internal_error, "keep-alive ping timed out");
  }
}

// Once for each WebSocket.
void WebSocket::note_code(u16 close_code) {
  if (code_ != 0) return;
  code_ = close_code;
  Counters& count = thread_.count();
  switch (close_code) {
    case code::normal:
    case code::none:
      return count.websocket_closed_normal.add();
    case code::going_away:
      return count.websocket_closed_going_away.add();
    case code::protocol_error:
      return count.websocket_closed_protocol_error.add();
    case code::abnormal:
      return count.websocket_closed_abnormal.add();
    case code::not_utf8:
      return count.websocket_closed_not_utf8.add();
    case code::too_large:
      return count.websocket_closed_too_large.add();
    case code::internal_error:
      return count.websocket_closed_internal_error.add();
    case code::restart:
      return count.websocket_closed_restart.add();
    default:
      return count.websocket_closed_other.add();
  }
}

}  // namespace labcoat::edge
