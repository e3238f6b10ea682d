#include "base/text.h"

#include <gtest/gtest.h>
#include <unistd.h>

namespace labcoat {
namespace {

TEST(Text, ADurationIsANumberAndAUnitAndABareNumberIsSeconds) {
  EXPECT_EQ(*parse_duration("250ms"), 250 * ms);
  EXPECT_EQ(*parse_duration("1.5s"), 1500 * ms);
  EXPECT_EQ(*parse_duration("5m"), 300 * seconds);
  EXPECT_EQ(*parse_duration("2"), 2 * seconds);
}

TEST(Text, WhatIsNotADurationIsRefusedWithAnExample) {
  for (const char* bad : {"", "ms", "-1s", "1 parsec", "1..5s", "nan", "1e400s"}) {
    const auto result = parse_duration(bad);
    ASSERT_FALSE(result) << bad;
    EXPECT_NE(result.error().text.find("250ms"), std::string::npos) << result.error().text;
  }
}

TEST(Text, SizesKnowBothKindsOfKilo) {
  EXPECT_EQ(*parse_size("64KiB"), 65536);
  EXPECT_EQ(*parse_size("64kb"), 64000);
  EXPECT_EQ(*parse_size("1g"), i64{1} << 30);
  EXPECT_FALSE(parse_size("10 apples"));
  EXPECT_FALSE(parse_size("99999999999999g"));
}

TEST(Text, WholeNumbersAreReadWholeOrNotAtAll) {
  EXPECT_EQ(*parse_int("-12"), -12);
  for (const char* bad : {"", "12x", "1.0", " 1", "99999999999999999999"}) {
    EXPECT_FALSE(parse_int(bad)) << bad;
  }
}

TEST(Text, ExactDurationsReadBackAsThemselves) {
  for (const i64 ns : {i64{0}, i64{1}, 15 * us, 250 * ms, 90 * seconds, 7200 * seconds}) {
    EXPECT_EQ(*parse_duration(exact_duration(ns)), ns) << exact_duration(ns);
  }
}

TEST(Text, TheNearestWordIsOfferedOnlyForATypo) {
  const std::string_view words[] = {"workers", "threads", "backlog"};
  EXPECT_EQ(nearest_word("wrokers", words), "workers");
  EXPECT_EQ(nearest_word("thread", words), "threads");
  EXPECT_EQ(nearest_word("completely_else", words), "");
}

TEST(Text, AShareIsReadAsPercentOrFraction) {
  EXPECT_DOUBLE_EQ(*parse_share("3%"), 0.03);
  EXPECT_DOUBLE_EQ(*parse_share("0.03"), 0.03);
  EXPECT_FALSE(parse_share("three"));
}

TEST(Text, AFileIsWrittenWholeAndReadBack) {
  const std::string path = testing::TempDir() + "labcoat_text_" + std::to_string(getpid());
  ASSERT_TRUE(write_file(path, "hello"));
  EXPECT_EQ(*read_file(path), "hello");
  EXPECT_FALSE(read_file(path, 3));
  ::unlink(path.c_str());
  EXPECT_FALSE(read_file(path));
}

TEST(Text, NumbersAreAppendedInDecimal) {
  for (const i64 number : {i64{0}, i64{9}, i64{99}, i64{100}, i64{205}, i64{999}, i64{1000},
                           i64{9999}, i64{10000}, i64{-1}, i64{-100}, i64{9223372036854775807}}) {
    std::string text = "n=";
    append_number(number, text);
    EXPECT_EQ(text, "n=" + std::to_string(number));
  }
}

}  // namespace
}  // namespace labcoat
