// ChunkedDecoder: wherever the bytes are cut, payload, verdict and end are the same; around the
// payload CR and LF stand only together; what was decoded comes out again when chunked anew.
#include <cstdio>
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/chunked.h"

using namespace labcoat::http;
using namespace labcoat::fuzz;
using Step = ChunkedDecoder::Step;

struct Decoded {
  Step end = Step::need_more;
  std::string payload, framing;
  size_t used = 0;
  bool operator==(const Decoded&) const = default;
};

static Decoded decode(std::string_view input, Cuts* cuts) {
  ChunkedDecoder decoder({.line_bytes_max = 32, .trailer_bytes_max = 64});
  Decoded out;
  while (out.end == Step::need_more && !input.empty()) {
    const ExactBytes piece(input.substr(0, cuts == nullptr ? input.npos : cuts->next()));
    input.remove_prefix(piece.view().size());
    std::string_view rest = piece.view();
    do {
      const ChunkedDecoder::Outcome step = decoder.next(rest);
      CHECK(step.consumed <= rest.size());
      CHECK((step.step == Step::data) == !step.data.empty());
      CHECK(step.data.empty() || piece.holds(step.data));
      CHECK(step.step != Step::need_more || step.consumed == rest.size());
      out.framing += rest.substr(0, step.consumed - step.data.size());
      rest.remove_prefix(step.consumed);
      out.used += step.consumed;
      out.payload += step.data;
      out.end = step.step;
    } while (out.end == Step::data);
  }
  return out;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  Cuts cuts(data[0]);
  const Decoded whole = decode(input, nullptr);
  CHECK(decode(input, &cuts) == whole);
  CHECK(whole.payload.size() <= whole.used);
  if (whole.end != Step::done) return 0;
  for (size_t i = 1; i < whole.framing.size(); ++i) {
    CHECK((whole.framing[i - 1] == '\r') == (whole.framing[i] == '\n'));
  }
  char size_line[32];
  std::snprintf(size_line, sizeof size_line, "%zX\r\n", whole.payload.size());
  const std::string anew = whole.payload.empty() ? "" : size_line + whole.payload + "\r\n";
  CHECK(decode(anew + "0\r\n\r\n", nullptr).payload == whole.payload);
  return 0;
}
