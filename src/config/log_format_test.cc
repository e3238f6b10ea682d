#include "config/log_format.h"

#include <gtest/gtest.h>

using labcoat::config::LogField;
using labcoat::config::parse_log_format;

TEST(LogFormat, TellsTextFromFieldsAndQuotedFieldsFromOthers) {
  const auto format =
      parse_log_format("{status} a={{{bytes}}} \"{referer} {user}\" {header.X-Id}!");
  ASSERT_TRUE(format);
  const auto& pieces = format->pieces;
  ASSERT_EQ(pieces.size(), 5u);
  EXPECT_EQ(pieces[0].field, LogField::status);
  EXPECT_EQ(pieces[0].before, "");
  EXPECT_EQ(pieces[1].before, " a={");
  EXPECT_EQ(pieces[2].before, "} \"");
  EXPECT_FALSE(pieces[1].quoted);
  EXPECT_TRUE(pieces[2].quoted);
  EXPECT_TRUE(pieces[3].quoted);
  EXPECT_FALSE(pieces[4].quoted);
  EXPECT_EQ(pieces[4].header, "X-Id");
  EXPECT_EQ(format->after, "!");
}

TEST(LogFormat, JsonHasAllFieldsOrThoseThatAreNamed) {
  const auto all = parse_log_format("json");
  ASSERT_TRUE(all && all->json);
  EXPECT_EQ(all->pieces.size(), labcoat::config::log_field_names().size());
  const auto some = parse_log_format("json status header.Accept");
  ASSERT_TRUE(some && some->json);
  ASSERT_EQ(some->pieces.size(), 2u);
  EXPECT_EQ(log_field_name(some->pieces[1]), "header.Accept");
}

TEST(LogFormat, SaysWhatIsWrong) {
  const struct {
    const char* text;
    const char* expected;
  } rows[] = {
      {"{statsu}", "did you mean 'status'"},
      {"{", "without its }"},
      {"{status} }", "without its {"},
      {"", "no {field}"},
      {"combind", "no {field}"},
      {"json statu", "did you mean 'status'"},
      {"{header.}", "request field"},
      {"{header.a b}", "request field"},
      {"{status}\n", "control character"},
      {"{zzzzzzzzzzzz}", "there are time, "},
  };
  for (const auto& row : rows) {
    const auto format = parse_log_format(row.text);
    ASSERT_FALSE(format) << row.text;
    EXPECT_NE(format.error().text.find(row.expected), std::string::npos) << format.error().text;
  }
}
