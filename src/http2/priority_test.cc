#include "http2/priority.h"

#include <gtest/gtest.h>

namespace labcoat::http2 {
namespace {

// "u=3, i" as it was read into the defaults; "bad" for what is no dictionary.
std::string read(std::string_view field) {
  Priority priority;
  if (!read_priority(field, priority)) return priority == Priority() ? "bad" : "changed though bad";
  return "u=" + std::to_string(priority.urgency) + (priority.incremental ? ", i" : "");
}

TEST(PriorityField, SaysHowUrgentAndWhetherPiecesAreOfUse) {  // RFC 9218 section 4
  struct {
    std::string_view field, read;
  } const cases[] = {
      {"", "u=3"},
      {"u=0", "u=0"},
      {"u=7", "u=7"},
      {"i", "u=3, i"},
      {"u=5, i", "u=5, i"},
      {"  u=5\t,\ti=?1 ", "u=5, i"},
      {"i=?0", "u=3"},
      {"u=1, u=2", "u=2"},  // RFC 8941 section 4.2.2: the last one counts
      {"i, i=?0", "u=3"},
      {"u=8", "u=3"},  // out of range, or of another type: as if it were not there
      {"u=-1", "u=3"},
      {"u=1.5", "u=3"},
      {"u=?1", "u=3"},
      {"u", "u=3"},
      {"i=1", "u=3"},
      {"u=2;x=1;y, i;z=\"a\\\"b\"", "u=2, i"},
      {"future=(a b;q=1 \"c\");x, u=4", "u=4"},
      {"a=*tok/en:1, b=:aGk=:, c=123.456, d=(), *e=-999999999999999, u=6", "u=6"},
  };
  for (const auto& one : cases) EXPECT_EQ(read(one.field), one.read) << one.field;
}

TEST(PriorityField, WhatIsNoDictionaryChangesNothing) {
  for (const std::string_view field : {"u=1,",
                                       "U=1",
                                       "u=",
                                       "u=1 i",
                                       ",u=1",
                                       "u=1,,i",
                                       "=1",
                                       "u=1;",
                                       "a=\"open",
                                       "a=\"\\x\"",
                                       "a=(1 2",
                                       "a=(1,2)",
                                       "a=:?:",
                                       "a=:open",
                                       "a=?2",
                                       "a=1.",
                                       "a=1.2345",
                                       "a=1234567890123456",
                                       "a=1234567890123.1",
                                       "a=-",
                                       "a=\x01",
                                       "u=1, \"x\""}) {
    EXPECT_EQ(read(field), "bad") << field;
  }
}

}  // namespace
}  // namespace labcoat::http2
