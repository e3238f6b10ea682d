#include "http/date.h"

#include <ctime>
#include <gtest/gtest.h>
#include <random>
#include <string>

namespace labcoat::http {
namespace {

std::string written(int64_t epoch_s) {
  std::string text(date_bytes, '?');
  write_date(epoch_s, text.data());
  return text;
}

TEST(Date, WritesTheFixedForm) {
  EXPECT_EQ(written(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(written(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(written(-1), "Wed, 31 Dec 1969 23:59:59 GMT");
  EXPECT_EQ(written(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
  EXPECT_EQ(written(-62167219200), "Sat, 01 Jan 0000 00:00:00 GMT");
  EXPECT_EQ(written(253402300799), "Fri, 31 Dec 9999 23:59:59 GMT");
  EXPECT_EQ(written(INT64_MAX), written(253402300799));
  EXPECT_EQ(written(INT64_MIN), written(-62167219200));
}

TEST(Date, AgreesWithTheCLibraryAndReadsBackWhatItWrote) {
  const unsigned seed = 7;
  std::mt19937_64 random(seed);
  std::uniform_int_distribution<int64_t> seconds(-62167219200, 253402300799);
  for (int i = 0; i < 20000; ++i) {
    const std::time_t t = seconds(random);
    std::tm parts;
    gmtime_r(&t, &parts);
    char expected[64];
    std::strftime(expected, sizeof expected, "%a, %d %b ", &parts);
    char year_and_time[64];
    std::snprintf(year_and_time, sizeof year_and_time, "%04d %02d:%02d:%02d GMT",
                  parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
    ASSERT_EQ(written(t), std::string(expected) + year_and_time) << "seed " << seed;
    ASSERT_EQ(parse_date(written(t)), t) << "seed " << seed;
  }
}

TEST(Date, ReadsTheObsoleteForms) {
  EXPECT_EQ(parse_date("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  EXPECT_EQ(parse_date("Sun Nov  6 08:49:37 1994"), 784111777);
  EXPECT_EQ(parse_date("Wed Nov 16 08:49:37 1994"), 784111777 + 10 * 86400);
  EXPECT_EQ(parse_date("Thursday, 01-Jan-70 00:00:00 GMT"), 0);
  EXPECT_EQ(parse_date("Tuesday, 01-Jan-69 00:00:00 GMT"), 3124224000) << "2069";
  EXPECT_EQ(parse_date("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800) << "a leap second";
}

TEST(Date, RefusesTheRest) {
  for (const char* text : {
           "",
           "0",
           "Sun, 06 Nov 1994 08:49:37",
           "Sun, 06 Nov 1994 08:49:37 UTC",
           "Sun, 06 Nov 1994 08:49:37 GMT ",
           "Sun, 6 Nov 1994 08:49:37 GMT",
           "sun, 06 nov 1994 08:49:37 gmt",
           "Xyz, 06 Nov 1994 08:49:37 GMT",
           "Sun, 06 Nov 1994 24:00:00 GMT",
           "Sun, 06 Nov 1994 08:60:00 GMT",
           "Sun, 06 Nov 1994 08:49:61 GMT",
           "Sun, 00 Nov 1994 08:49:37 GMT",
           "Sun, 31 Nov 1994 08:49:37 GMT",
           "Wed, 29 Feb 1995 08:49:37 GMT",
           "Wed, 29 Feb 1900 08:49:37 GMT",
           "Sun, 06 Nov -994 08:49:37 GMT",
           "Sun, 06-Nov-94 08:49:37 GMT",
           "Sunday, 06-Nov-1994 08:49:37 GMT",
           "Sun Nov 6 08:49:37 1994",
           "Sun Nov  6 08:49:37 1994 GMT",
       }) {
    EXPECT_EQ(parse_date(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace labcoat::http
