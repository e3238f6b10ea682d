// WebSocketDecoder: wherever the bytes are cut, messages, control frames and verdict are the same;
// no message is larger than the limit; what was heard comes out again when it is framed anew.
// Utf8Checker and the two handshake parsers get the same bytes.
#include <string>
#include <vector>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/utf8.h"
#include "http/websocket_deflate.h"
#include "http/websocket_frames.h"

using namespace labcoat::http;
using namespace labcoat::fuzz;
using Step = WebSocketDecoder::Step;

namespace {

constexpr uint64_t message_bytes_max = 200;

struct Heard {
  // A control frame, or a message: its opcode, whether it is compressed, whether it has ended.
  struct One {
    WebSocketOpcode opcode;
    bool compressed, ended;
    std::string bytes;
    bool operator==(const One&) const = default;
  };
  std::vector<One> all;
  int code = 0;
  size_t used = 0;
  bool operator==(const Heard&) const = default;
};

Heard decode(std::string_view input, WebSocketDecoder::Rules rules, Cuts* cuts) {
  WebSocketDecoder decoder(rules);
  Heard heard;
  size_t open = 0;  // of the message that is being heard
  while (heard.code == 0 && !input.empty()) {
    const ExactBytes piece(input.substr(0, cuts == nullptr ? input.npos : cuts->next()));
    input.remove_prefix(piece.view().size());
    std::string_view rest = piece.view();
    for (bool more = true; more;) {
      const auto out = decoder.next(rest);
      CHECK(out.consumed <= rest.size());
      rest.remove_prefix(out.consumed);
      heard.used += out.consumed;
      more = out.step == Step::data || out.step == Step::control;
      if (out.step == Step::bad) {
        CHECK(is_websocket_code(out.code));
        heard.code = out.code;
      } else if (out.step == Step::control) {
        CHECK(out.payload.size() <= 125);
        heard.all.push_back({out.opcode, false, true, std::string(out.payload)});
      } else if (out.step == Step::data) {
        CHECK(out.payload.empty() || piece.holds(out.payload));
        if (out.begins) {
          open = heard.all.size();
          heard.all.push_back({out.opcode, out.compressed, false, {}});
        }
        Heard::One& message = heard.all[open];
        CHECK(!message.ended && message.opcode == out.opcode);
        const size_t before = message.bytes.size();
        message.bytes.append(out.payload);
        unmask(out.payload, out.mask, message.bytes.data() + before);
        CHECK(message.bytes.size() <= rules.message_bytes_max);
        message.ended = out.ends;
      } else {
        CHECK(rest.empty());
      }
    }
  }
  return heard;
}

void check_utf8(std::string_view bytes) {
  Utf8Checker whole, drip;
  const bool good = whole.add(bytes);
  bool still_good = true;
  for (size_t i = 0; i < bytes.size() && still_good; ++i) still_good = drip.add(bytes.substr(i, 1));
  CHECK(good == still_good && (!good || whole.complete() == drip.complete()));
}

void check_offers(std::string_view bytes) {
  RequestHead head;
  head.fields[0] = {"sec-websocket-extensions", bytes};
  head.field_count = 1;
  const auto agreement = agree_on_deflate(head, {.forget = false, .window_bits_max = 12});
  if (!agreement) return;
  CHECK(agreement->server_window_bits >= 9 && agreement->server_window_bits <= 12);
  CHECK(agreement->client_window_bits >= 8 && agreement->client_window_bits <= 15);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  const WebSocketDecoder::Rules rules{
      .message_bytes_max = message_bytes_max, .deflate = (data[0] & 1) != 0, .masked = true};
  Cuts cuts(data[0]);
  const Heard heard = decode(input, rules, nullptr);
  CHECK(decode(input, rules, &cuts) == heard);
  check_utf8(input);
  check_offers(input);
  const WebSocketClose close = parse_websocket_close(input);
  CHECK(close.code == websocket_code::none || is_websocket_code(close.code));
  std::string anew;
  Heard whole;
  for (const Heard::One& one : heard.all) {
    if (!one.ended) continue;
    append_websocket_header({.opcode = one.opcode, .compressed = one.compressed}, one.bytes.size(),
                            anew);
    anew.append(one.bytes);
    whole.all.push_back(one);
  }
  whole.used = anew.size();
  WebSocketDecoder::Rules server = rules;
  server.masked = false;
  CHECK(decode(anew, server, nullptr) == whole);
  return 0;
}
