// http_parse_tool shows how Labcoat frames what a client sent. It reads streams from stdin, each
// with its length in four bytes (little endian) in front, and prints one line of JSON per stream:
//   {"messages": [{"method", "target", "minor", "body": hex, "end": offset behind it or -1 when cut
//   off}],
//    "verdict": "end" | "need_more" | "bad", "status": 400}
// "end": every byte was used, or a request said that it is the last.
#include <cstdint>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "http/chunked.h"
#include "http/request.h"

namespace {

using namespace labcoat::http;

std::string hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    text += "0123456789abcdef"[c >> 4];
    text += "0123456789abcdef"[c & 15];
  }
  return text;
}

struct Body {
  Parsed verdict = Parsed::done;
  std::string payload;
  size_t used = 0;
};

Body read_chunked(std::string_view rest) {
  using Step = ChunkedDecoder::Step;
  ChunkedDecoder decoder;
  Body body;
  for (;;) {
    const ChunkedDecoder::Outcome outcome = decoder.next(rest.substr(body.used));
    body.payload += outcome.data;
    body.used += outcome.consumed;
    if (outcome.step == Step::data) continue;
    if (outcome.step == Step::bad) body.verdict = Parsed::bad;
    if (outcome.step == Step::need_more) body.verdict = Parsed::need_more;
    return body;
  }
}

Body read_body(const RequestHead& head, std::string_view rest) {
  if (head.chunked) return read_chunked(rest);
  const auto length =
      head.content_length < 0 ? size_t{0} : static_cast<size_t>(head.content_length);
  Body body;
  body.payload = rest.substr(0, length);
  body.used = body.payload.size();
  if (body.used < length) body.verdict = Parsed::need_more;
  return body;
}

nlohmann::json describe(std::string_view stream) {
  nlohmann::json messages = nlohmann::json::array();
  Parsed verdict = Parsed::done;
  RequestHead head;
  size_t at = 0;
  bool last = false;
  while (at < stream.size() && verdict == Parsed::done && !last) {
    size_t used = 0, scanned = 0;
    verdict = parse_request(stream.substr(at), RequestLimits(), head, used, scanned);
    if (verdict != Parsed::done) break;
    at += used;
    const Body body = read_body(head, stream.substr(at));
    at += body.used;
    verdict = body.verdict;
    last = !head.keep_alive;
    messages.push_back({{"method", head.method},
                        {"target", head.target},
                        {"minor", head.minor_version},
                        {"body", hex(body.payload)},
                        {"end", verdict == Parsed::done ? static_cast<int64_t>(at) : -1}});
  }
  const char* const name = verdict == Parsed::done        ? "end"
                           : verdict == Parsed::need_more ? "need_more"
                                                          : "bad";
  return {{"messages", messages}, {"verdict", name}, {"status", head.status}};
}

}  // namespace

int main() {
  unsigned char length[4];
  std::string stream;
  while (std::fread(length, 1, sizeof length, stdin) == sizeof length) {
    stream.resize(length[0] | length[1] << 8 | length[2] << 16 |
                  static_cast<size_t>(length[3]) << 24);
    if (std::fread(stream.data(), 1, stream.size(), stdin) != stream.size()) {
      std::fputs("http_parse_tool: a stream is shorter than its length says\n", stderr);
      return 1;
    }
    std::puts(describe(stream).dump().c_str());
  }
}
