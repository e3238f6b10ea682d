// WebSocket: one accepted WebSocket, whatever protocol tunnels its bytes. It takes apart what the
// client sends and gives its messages to the worker, makes frames of the app's messages, and keeps
// the protocol's manners: closing handshake, pings, limits. Its exchange owns it, the slot and the
// account; the client is reached through the exchange's sink.
#pragma once

#include <optional>
#include <string>

#include "answer/response.h"
#include "channel/edge_port.h"
#include "http/utf8.h"
#include "http/websocket_codec.h"
#include "http/websocket_deflate.h"
#include "http/websocket_frames.h"
#include "net/timeouts.h"

namespace labcoat::edge {

class EdgeThread;
class Exchange;

class WebSocket final : public net::Timeout {
 public:
  // All outlive it. `slot`: of the worker that has accepted it.
  WebSocket(EdgeThread& thread, Exchange& exchange, answer::ResponseSink& sink,
            channel::EdgePort& port, u32 slot,
            const std::optional<http::DeflateAgreement>& deflate);
  ~WebSocket() override;

  // What the client sends. Returns how much was used: less while the worker or the client is
  // behind.
  size_t take(std::string_view bytes);
  // Whether bytes were taken whose messages wait for room: then take() must be called again.
  bool holds_bytes() const { return held_ != nullptr; }

  // From the worker.
  void send_piece(const channel::EdgePort::Frame& message);
  void app_closes(u16 code, std::string_view reason);
  // It can send nothing more: the slot is no longer ours.
  void worker_lost(u16 code, std::string_view why);

  // Closes from our side; the worker is told, and the client has limits.websocket_close_timeout to
  // answer.
  void close(u16 code, std::string_view reason);
  // The client is gone without a word. Nothing more is said to the sink.
  void client_lost();
  // It has ended the tunnel without a word, and can still be told so.
  void client_ended();

 private:
  enum class State : u8 {
    open,
    closing,  // our close frame is sent, the client's is awaited; no worker is behind it any more
    over
  };
  // Of a compressed message: what was received and not yet inflated.
  struct Held {
    std::string bytes;
    size_t used = 0;
    bool last = false;
  };

  void on_timeout() override;
  void on_ping_due();
  void take_data(const http::WebSocketDecoder::Outcome& piece);
  void take_control(http::WebSocketOpcode opcode, std::string_view payload);
  void take_close(std::string_view payload);
  size_t inbox_room();
  bool inflate_held();
  bool deliver(std::string_view piece, bool last);
  void fail(u16 code, std::string_view why);
  void send_frame(http::WebSocketFrame frame, std::string_view a, std::string_view b);
  void send_close(u16 code, std::string_view reason);
  void begin_closing(u16 code, std::string_view reason);
  void tell_worker(u16 code, std::string_view reason);
  void end();
  void leave();
  void note_code(u16 code);

  EdgeThread& thread_;
  Exchange& exchange_;
  answer::ResponseSink& sink_;
  channel::EdgePort& port_;
  const u32 slot_;
  State state_ = State::open;
  bool has_worker_ = true;
  bool heard_ = false;          // anything from the client since the last tick
  bool awaits_pong_ = false;    // a ping was sent
  bool is_text_ = false;        // the client's message
  bool deflating_ = false;      // the app's message, which has begun
  bool message_begun_ = false;  // a fragment of it was sent
  u16 code_ = 0;                // of the closing, once it is counted
  u64 message_bytes_ = 0;       // of the client's message, inflated
  http::WebSocketDecoder decoder_;
  http::Utf8Checker utf8_;
  std::optional<http::MessageInflater> inflater_;
  std::optional<http::MessageDeflater> deflater_;
  std::unique_ptr<Held> held_;
};

}  // namespace labcoat::edge
