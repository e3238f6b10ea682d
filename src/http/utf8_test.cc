// Characters at the edges of what RFC 3629 allows, each in every two pieces.
#include "http/utf8.h"

#include <gtest/gtest.h>
#include <string>

namespace labcoat::http {
namespace {

using std::string_literals::operator""s;

enum class Verdict { whole, unfinished, broken };

Verdict judge(std::string_view bytes, size_t cut) {
  Utf8Checker checker;
  if (!checker.add(bytes.substr(0, cut)) || !checker.add(bytes.substr(cut))) return Verdict::broken;
  return checker.complete() ? Verdict::whole : Verdict::unfinished;
}

TEST(Utf8Checker, KnowsTheEdgesOfEachForm) {
  const struct {
    std::string bytes;
    Verdict verdict;
    const char* why;
  } cases[] = {
      {"", Verdict::whole, "nothing at all"},
      {"a plain line of ASCII, longer than eight bytes", Verdict::whole, "ASCII"},
      {"\x00"s, Verdict::whole, "U+0000"},
      {"\x7f", Verdict::whole, "U+007F"},
      {"\xc2\x80", Verdict::whole, "U+0080"},
      {"\xdf\xbf", Verdict::whole, "U+07FF"},
      {"\xe0\xa0\x80", Verdict::whole, "U+0800"},
      {"\xed\x9f\xbf", Verdict::whole, "U+D7FF"},
      {"\xee\x80\x80", Verdict::whole, "U+E000"},
      {"\xef\xbf\xbf", Verdict::whole, "U+FFFF"},
      {"\xf0\x90\x80\x80", Verdict::whole, "U+10000"},
      {"\xf4\x8f\xbf\xbf", Verdict::whole, "U+10FFFF"},
      {"12345678\xc3\xa9"
       "12345678",
       Verdict::whole, "between two words of ASCII"},
      {"\xc0\x80", Verdict::broken, "overlong U+0000"},
      {"\xc1\xbf", Verdict::broken, "overlong U+007F"},
      {"\xe0\x9f\xbf", Verdict::broken, "overlong U+07FF"},
      {"\xf0\x8f\xbf\xbf", Verdict::broken, "overlong U+FFFF"},
      {"\xed\xa0\x80", Verdict::broken, "the first surrogate"},
      {"\xed\xbf\xbf", Verdict::broken, "the last surrogate"},
      {"\xf4\x90\x80\x80", Verdict::broken, "U+110000"},
      {"\xf5\x80\x80\x80", Verdict::broken, "beyond U+13FFFF"},
      {"\xff", Verdict::broken, "never in UTF-8"},
      {"\x80", Verdict::broken, "a continuation of nothing"},
      {"\xc3\x28", Verdict::broken, "no continuation"},
      {"\xe2\x82", Verdict::unfinished, "two of three"},
      {"\xf0\x9f\x98", Verdict::unfinished, "three of four"},
  };
  for (const auto& row : cases) {
    for (size_t cut = 0; cut <= row.bytes.size(); ++cut) {
      EXPECT_EQ(judge(row.bytes, cut), row.verdict) << row.why << ", cut at " << cut;
    }
  }
}

TEST(Utf8Checker, TellsAtTheFirstByteThatCannotBe) {
  Utf8Checker checker;
  EXPECT_TRUE(checker.add("\xf4"));
  EXPECT_FALSE(checker.add("\x90"));
}

}  // namespace
}  // namespace labcoat::http
