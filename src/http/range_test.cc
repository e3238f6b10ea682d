#include "http/range.h"

#include <gtest/gtest.h>
#include <string>

namespace labcoat::http {
namespace {

// "0-4 6-9", "whole" or "unsatisfiable".
std::string ranges(std::string_view value, int64_t size) {
  const Ranges parsed = parse_ranges(value, size);
  if (parsed.verdict == Ranges::Verdict::whole) return "whole";
  if (parsed.verdict == Ranges::Verdict::unsatisfiable) return "unsatisfiable";
  std::string text;
  for (size_t i = 0; i < parsed.count; ++i) {
    text += (i > 0 ? " " : "") + std::to_string(parsed.ranges[i].first) + "-" +
            std::to_string(parsed.ranges[i].last);
  }
  return text;
}

TEST(Ranges, AreReadAgainstTheSize) {
  struct Row {
    const char* value;
    int64_t size;
    const char *expected, *because;
  };
  const Row rows[] = {
      {"bytes=0-4", 10, "0-4", "first to last, inclusive"},
      {"bytes=5-", 10, "5-9", "to the end"},
      {"bytes=-3", 10, "7-9", "the last three"},
      {"bytes=-30", 10, "0-9", "more than there is"},
      {"bytes=5-99", 10, "5-9", "cut at the end"},
      {"bytes=9-9", 10, "9-9", "the last byte"},
      {"bytes=0-99999999999999999999999", 10, "0-9", "a number larger than any file"},
      {"Bytes=0-0", 10, "0-0", "units are case-insensitive"},
      {"bytes=0-1, 4-5\t,-1", 10, "0-1 4-5 9-9", "several"},
      {"bytes=,0-1,,4-5,", 10, "0-1 4-5", "empty elements"},
      {"bytes=0-1,20-30", 10, "0-1", "what lies outside is left out"},
      {"bytes=10-", 10, "unsatisfiable", "behind the end"},
      {"bytes=-0", 10, "unsatisfiable", "the last none"},
      {"bytes=20-30,40-", 10, "unsatisfiable", "all outside"},
      {"bytes=99999999999999999999999-", 10, "unsatisfiable", "far outside"},
      {"bytes=0-", 0, "unsatisfiable", "there is no byte 0"},
      {"bytes=-5", 0, "whole", "the last five of nothing are nothing"},
      {"", 10, "whole", "no Range"},
      {"bytes", 10, "whole", "no set"},
      {"bytes=", 10, "whole", "empty set"},
      {"bytes=,", 10, "whole", "empty set"},
      {"bytes =0-1", 10, "whole", "malformed"},
      {"lines=0-1", 10, "whole", "another unit"},
      {"bytes=4-2", 10, "whole", "backwards"},
      {"bytes=a-b", 10, "whole", "not numbers"},
      {"bytes=-", 10, "whole", "neither"},
      {"bytes=--1", 10, "whole", "two signs"},
      {"bytes=1 -2", 10, "whole", "space inside"},
      {"bytes=+1-2", 10, "whole", "sign"},
      {"bytes=0-1;4-5", 10, "whole", "not a comma"},
      {"bytes=0-1,x", 10, "whole", "one bad spoils all"},
      {"bytes=0-,0-", 10, "whole", "more bytes than there are"},
      {"bytes=0-5,5-9", 10, "whole", "more bytes than there are"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(ranges(row.value, row.size), row.expected) << row.value << ": " << row.because;
  }
}

TEST(Ranges, TooManyMeanTheWholeFile) {
  std::string value = "bytes=0-0";
  for (size_t i = 1; i < ranges_max; ++i) {
    value += "," + std::to_string(2 * i) + "-" + std::to_string(2 * i);
  }
  EXPECT_EQ(parse_ranges(value, 1000).count, ranges_max);
  EXPECT_EQ(ranges(value + ",500-500", 1000), "whole");
}

}  // namespace
}  // namespace labcoat::http
