#include "http/field.h"

#include <gtest/gtest.h>
#include <string>

#include "http/scan.h"

namespace labcoat::http {
namespace {

TEST(Field, NamesDifferByMoreThanCase) {
  EXPECT_TRUE(same_name("Content-Length", "content-lENGTH"));
  EXPECT_TRUE(same_name("", ""));
  EXPECT_FALSE(same_name("a", "ab"));
  EXPECT_FALSE(same_name("@", "`")) << "they differ by the case bit and are no letters";
  EXPECT_FALSE(same_name("\xc1", "\xe1")) << "only ASCII has case";
}

TEST(Field, TokensAreTcharsOnly) {
  EXPECT_TRUE(is_token("!#$%&'*+-.^_`|~09azAZ"));
  EXPECT_FALSE(is_token(""));
  for (const char c : std::string("\0 \t\"(),/:;<=>?@[\\]{}\x7f\x80\xff", 24)) {
    EXPECT_FALSE(is_token(std::string("a") + c + "b")) << static_cast<int>(c);
  }
}

TEST(Field, ValuesHoldNoControls) {
  EXPECT_TRUE(is_field_value(""));
  EXPECT_TRUE(is_field_value("a\tb \x80\xff"));
  for (int c = 0; c < 256; ++c) {
    const bool control = (c < 32 && c != '\t') || c == 127;
    EXPECT_EQ(is_field_value(std::string(20, 'a') + static_cast<char>(c)), !control) << c;
  }
}

// The vector paths against the table, for every byte at every place of a vector and of the stretch
// behind it.
TEST(Scan, VectorsAgreeWithTheTable) {
  for (int c = 0; c < 256; ++c) {
    for (size_t size : {1u, 15u, 16u, 17u, 40u, 64u, 65u, 100u}) {
      for (size_t at = 0; at < size; ++at) {
        std::string text(size, 'x');
        text[at] = static_cast<char>(c);
        const char* begin = text.data();
        const char* end = begin + size;
        const char* here = begin + at;
        const auto expected = [&](bool stops) { return stops ? here : end; };
        const char byte = static_cast<char>(c);
        ASSERT_EQ(end_of_token(begin, end), expected(!is_class(byte, byte_class::token)));
        ASSERT_EQ(end_of_target_part(begin, end), expected(!is_class(byte, byte_class::target)));
        ASSERT_EQ(find_control(begin, end), expected(is_class(byte, byte_class::control)));
        ControlFinder finder(begin, end);
        ASSERT_EQ(finder.next(begin), expected(is_class(byte, byte_class::control)));
        ASSERT_EQ(finder.next(here + 1), end);
      }
    }
  }
}

TEST(Scan, TheFinderNamesEveryControlInTurn) {
  for (size_t step = 1; step < 70; ++step) {
    std::string text(300, 'x');
    for (size_t i = step - 1; i < text.size(); i += step) text[i] = '\r';
    ControlFinder finder(text.data(), text.data() + text.size());
    const char* p = text.data();
    for (size_t i = step - 1; i < text.size(); i += step) {
      p = finder.next(p);
      ASSERT_EQ(p - text.data(), static_cast<ptrdiff_t>(i)) << step;
      ++p;
    }
    ASSERT_EQ(finder.next(p), text.data() + text.size());
  }
}

}  // namespace
}  // namespace labcoat::http
