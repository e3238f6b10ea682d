// parse_ranges: every range lies inside the representation, together they are no longer than it,
// and they come out again when they are written and read anew.
#include <cstring>
#include <string>

#include "base/check.h"
#include "fuzz_input.h"
#include "http/range.h"

using namespace labcoat::http;
using labcoat::fuzz::ExactBytes;
using Verdict = Ranges::Verdict;

static Ranges parse(std::string_view value, int64_t size) {
  const ExactBytes bytes(value);
  const Ranges ranges = parse_ranges(bytes.view(), size);
  CHECK(ranges.count <= ranges_max && (ranges.count > 0) == (ranges.verdict == Verdict::partial));
  int64_t left = size;
  for (size_t i = 0; i < ranges.count; ++i) {
    const ByteRange& range = ranges.ranges[i];
    CHECK(0 <= range.first && range.first <= range.last && range.last < size);
    left -= range.last - range.first + 1;
    CHECK(left >= 0);
  }
  return ranges;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  // The size: some bits of the first two bytes, so that all magnitudes are met.
  if (size < 2) return 0;
  const int64_t length = static_cast<int64_t>(uint64_t{data[0]} << (data[1] % 56));
  const std::string_view value(reinterpret_cast<const char*>(data) + 2, size - 2);
  const Ranges ranges = parse(value, length);
  if (ranges.verdict != Verdict::partial) return 0;
  std::string text = "bytes=";
  for (size_t i = 0; i < ranges.count; ++i) {
    text +=
        std::to_string(ranges.ranges[i].first) + '-' + std::to_string(ranges.ranges[i].last) + ',';
  }
  const Ranges again = parse(text, length);
  CHECK(again.verdict == Verdict::partial && again.count == ranges.count);
  for (size_t i = 0; i < ranges.count; ++i) {
    CHECK(again.ranges[i].first == ranges.ranges[i].first);
    CHECK(again.ranges[i].last == ranges.ranges[i].last);
  }
  return 0;
}
