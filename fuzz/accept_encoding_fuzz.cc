// parse_accept_encoding: no coding is wanted that the client has not named (or starred), what was
// understood comes out again when it is written and read anew, and the choice is one that is there
// and that nothing else beats.
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/accept_encoding.h"

using namespace labcoat::http;
using labcoat::fuzz::ExactBytes;

static std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

static std::string written(const AcceptedCodings& accepted) {
  std::string text;
  for (size_t i = 0; i < content_codings; ++i) {
    const unsigned quality = accepted.quality[i];
    const std::string digits = std::to_string(1000 + quality % 1000).substr(1);
    text.append(name_of(static_cast<ContentCoding>(i))).append(";q=");
    text.append(quality == 1000 ? "1" : "0." + digits).append(", ");
  }
  return text;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const unsigned available = data[0] & 0b1111;
  const ExactBytes bytes({reinterpret_cast<const char*>(data) + 1, size - 1});
  const AcceptedCodings accepted = parse_accept_encoding(bytes.view());
  const std::string text = lower(bytes.view());
  for (size_t i = 0; i < content_codings; ++i) {
    CHECK(accepted.quality[i] <= 1000);
    const auto coding = static_cast<ContentCoding>(i);
    if (coding == ContentCoding::identity || !accepted.accepts(coding)) continue;
    CHECK(text.find(name_of(coding)) != text.npos || text.find('*') != text.npos);
  }
  CHECK(parse_accept_encoding(written(accepted)).quality == accepted.quality);

  const ContentCoding chosen = choose_coding(accepted, available);
  const auto index = static_cast<size_t>(chosen);
  if (chosen != ContentCoding::identity) {
    CHECK((available >> index & 1) != 0 && accepted.accepts(chosen));
  }
  for (size_t i = 0; i < content_codings; ++i) {
    CHECK((available >> i & 1) == 0 || accepted.quality[i] <= accepted.quality[index]);
  }
  return 0;
}
