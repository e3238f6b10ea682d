// parse_request_start: what is understood is the number that stands there, in the one unit that
// makes it a moment from 1973 to 2262; more zeros behind it change nothing, nor does "t=" before
// it.
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/request_start.h"

using namespace labcoat;
using namespace labcoat::http;
using labcoat::fuzz::ExactBytes;

namespace {

// The digits of whole and fraction as one number, times ten until it has `nanodigits` behind the
// point: in another order and in a wider type than the parser's.
__int128 exactly(std::string_view whole, std::string_view fraction, int nanodigits) {
  __int128 number = 0;
  for (const char c : whole) number = number * 10 + (c - '0');
  for (int i = 0; i < nanodigits; ++i) {
    const auto at = static_cast<size_t>(i);
    number = number * 10 + (at < fraction.size() ? fraction[at] - '0' : 0);
  }
  return number;
}

void check_value(std::string_view text, i64 start) {
  if (text.starts_with("t=")) text.remove_prefix(2);
  const size_t dot = std::min(text.find('.'), text.size());
  const std::string_view whole = text.substr(0, dot);
  const std::string_view fraction = text.substr(std::min(dot + 1, text.size()));
  int units = 0;  // exactly one fits
  for (const int nanodigits : {9, 6, 3, 0}) {
    const __int128 value = exactly(whole, fraction, nanodigits);
    if (value == start) ++units;
  }
  CHECK(units == 1);
  CHECK(start >= 100'000'000 * seconds);  // 1973
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ExactBytes bytes(std::string_view(reinterpret_cast<const char*>(data), size));
  const std::string_view text = bytes.view();
  const auto start = parse_request_start(text);
  constexpr i64 now = i64{1'700'000'000} * seconds;
  const i64 waited = waited_since(text, now);
  CHECK(waited >= 0 && waited <= request_start_age_max_ns);
  if (!start) {
    CHECK(waited == 0);
    return 0;
  }
  check_value(text, *start);
  CHECK(waited == 0 || *start + waited == now);
  const std::string copy(text);
  const bool has_fraction = copy.find('.') != copy.npos;
  CHECK(parse_request_start(copy + (has_fraction ? "000" : ".0")) == start);
  if (!text.starts_with("t=")) CHECK(parse_request_start("t=" + copy) == start);
  return 0;
}
