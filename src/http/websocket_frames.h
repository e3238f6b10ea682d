// WebSocket frames, RFC 6455 section 5: what arrives is taken apart (strict, incremental, without
// allocation), what is to be sent gets its headers. Pure: no sockets, no clock.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace labcoat::http {

enum class WebSocketOpcode : uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10,
};

// Codes of a closing, RFC 6455 section 7.4.1.
namespace websocket_code {
constexpr uint16_t normal = 1000;
constexpr uint16_t going_away = 1001;
constexpr uint16_t protocol_error = 1002;
constexpr uint16_t none = 1005;      // a close frame without one; never sent
constexpr uint16_t abnormal = 1006;  // no close frame at all; never sent
constexpr uint16_t not_utf8 = 1007;
constexpr uint16_t too_large = 1009;
constexpr uint16_t internal_error = 1011;
constexpr uint16_t restart = 1012;
}  // namespace websocket_code

using WebSocketMask = std::array<char, 4>;

// `out` has room for as many bytes as `in`, and may be where it lies. The mask's first byte is for
// the first one.
void unmask(std::string_view in, const WebSocketMask& mask, char* out);

// Feed it whatever arrived; it hands back messages piece by piece, and control frames whole.
class WebSocketDecoder {
 public:
  struct Rules {
    uint64_t message_bytes_max = uint64_t{16} << 20;  // as they are on the wire; 1009
    bool deflate = false;                             // RSV1 may say that a message is compressed
    bool masked = true;  // by the other side: a client must, a server must not
  };
  enum class Step {
    data,       // a piece of a message; empty only as its last one
    control,    // a close, ping or pong
    need_more,  // everything given was consumed
    bad,        // the connection must be failed with `code`; nothing more may be fed
  };
  struct Outcome {
    Step step = Step::need_more;
    size_t consumed = 0;         // bytes of the input that were used
    std::string_view payload{};  // data: a view into the input, still masked; control: unmasked,
                                 // valid until the next call
    WebSocketMask mask{};        // for the payload of data
    WebSocketOpcode opcode = WebSocketOpcode::continuation;  // of the message: text or binary
    bool begins = false;                                     // the first piece of a message
    bool ends = false;                                       // the last one
    bool compressed = false;
    uint16_t code = 0;  // of bad
    const char* why = "";
  };

  explicit WebSocketDecoder(Rules rules) : rules_(rules) {}
  Outcome next(std::string_view input);

 private:
  enum class State : uint8_t { header, payload, control, failed };

  static constexpr size_t control_bytes_max = 125;

  static Outcome bad(size_t used, uint16_t code, const char* why);
  const char* begin_frame();
  const char* begin_data(bool compressed);
  const char* read_length(uint16_t& code);
  Outcome read_header(std::string_view input, size_t used);
  Outcome control(std::string_view input, size_t used);
  Outcome data(std::string_view input, size_t used);

  Rules rules_;
  State state_ = State::header;
  bool final_ = false;         // of the current frame
  bool message_open_ = false;  // a message is begun and has not ended
  bool piece_begins_ = false;  // no piece of the message was handed out
  bool compressed_ = false;    // the current message
  WebSocketOpcode message_ = WebSocketOpcode::text;
  WebSocketOpcode control_ = WebSocketOpcode::ping;
  uint8_t header_[14] = {};
  uint8_t header_have_ = 0;
  uint8_t header_need_ = 2;
  WebSocketMask mask_{};
  uint64_t frame_left_ = 0;
  uint64_t message_bytes_ = 0;
  size_t control_have_ = 0;
  char control_payload_[control_bytes_max];
};

// What a close frame says. ok is false when it breaks the rules; `code` is then the one to fail
// with.
struct WebSocketClose {
  bool ok = true;
  uint16_t code = websocket_code::none;
  std::string_view reason = {};
};
WebSocketClose parse_websocket_close(std::string_view payload);
// Whether a close frame may carry it.
bool is_websocket_code(uint16_t code);

struct WebSocketFrame {
  WebSocketOpcode opcode = WebSocketOpcode::text;
  bool final = true;
  bool compressed = false;
};
// The header of a frame without a mask; the payload follows.
void append_websocket_header(WebSocketFrame frame, uint64_t payload_bytes, std::string& out);
// Whole frames. A reason that is too long for one is cut between characters; the code none makes an
// empty close.
void append_websocket_close(uint16_t code, std::string_view reason, std::string& out);

}  // namespace labcoat::http
