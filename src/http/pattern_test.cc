#include "http/pattern.h"

#include <functional>
#include <gtest/gtest.h>
#include <random>
#include <vector>

namespace labcoat::http {
namespace {

TEST(Pattern, of_a_path_says_what_each_star_stood_for) {
  struct Case {
    const char* reason;
    const char* pattern;
    const char* path;
    bool matches;
    std::vector<std::string> stars = {};
  };
  const Case cases[] = {
      {"exact", "/robots.txt", "/robots.txt", true},
      {"exact is all of it", "/robots.txt", "/robots.txt/", false},
      {"case matters", "/robots.txt", "/Robots.txt", false},
      {"below a prefix", "/static/*", "/static/a/b.css", true, {"a/b.css"}},
      {"the prefix itself, with its slash", "/static/*", "/static/", true, {""}},
      {"not without its slash", "/static/*", "/static", false},
      {"not a longer segment", "/static/*", "/statics/a", false},
      {"a prefix within a segment", "/api*", "/apiary", true, {"ary"}},
      {"everything", "/*", "/", true, {""}},
      {"ending, at any depth", "*.php", "/a/b.php", true, {"/a/b"}},
      {"ending is the end", "*.php", "/a.php/x", false},
      {"one segment", "/a/*/b", "/a/x/b", true, {"x"}},
      {"not two segments", "/a/*/b", "/a/x/y/b", false},
      {"not none", "/a/*/b", "/a//b", false},
      {"part of a segment", "/u/*.json", "/u/7.json", true, {"7"}},
      {"part of one only", "/u/*.json", "/u/7/x.json", false},
      {"needs a second try", "/u/*.json", "/u/a.json.json", true, {"a.json"}},
      {"two stars: any number of segments", "/a/**/b", "/a/x/y/b", true, {"x/y"}},
      {"two stars may be empty", "/a/**/b", "/a//b", true, {""}},
      {"both", "/a/**/u/*/b", "/a/u/1/2/u/3/b", true, {"u/1/2", "3"}},
      {"narrow, then wide at the end", "/u/*/*", "/u/7/x/y", true, {"7", "x/y"}},
      {"wide at both ends", "*admin*", "/x/admin/y", true, {"/x/", "/y"}},
      {"narrow gives way to wide", "/**/v*/end", "/v1/x/v2/end", true, {"v1/x", "2"}},
      {"not found", "*admin*", "/x/adm/in", false},
      {"three in a segment", "/*-*-*", "/2024-05-17", true, {"2024", "05", "17"}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(std::string(c.reason) + ": " + c.pattern + " and " + c.path);
    const Pattern pattern = Pattern::of_path(c.pattern);
    Pattern::Stars stars;
    EXPECT_EQ(pattern.matches(c.path), c.matches);
    ASSERT_EQ(pattern.matches(c.path, stars), c.matches);
    std::vector<std::string> found(stars.of, stars.of + stars.count);
    if (c.matches) {
      EXPECT_EQ(found, c.stars);
    }
  }
}

TEST(Pattern, of_a_value_ignores_case_and_lets_stars_stand_for_anything) {
  EXPECT_TRUE(Pattern::of_value("websocket").matches("WebSocket"));
  EXPECT_FALSE(Pattern::of_value("websocket").matches("websocket2"));
  EXPECT_TRUE(Pattern::of_value("*JSON*").matches("text/html, application/json;q=0.5"));
  EXPECT_TRUE(Pattern::of_value("*").matches(""));
  EXPECT_TRUE(Pattern::of_value("a*/b*c").matches("a/x/y/bc"));
}

TEST(Pattern, names_the_file_below_the_route) {
  const auto part = [](const char* pattern, const char* path) {
    return std::string(Pattern::of_path(pattern).file_part(path));
  };
  EXPECT_EQ(part("/static/*", "/static/a/b.css"), "a/b.css");
  EXPECT_EQ(part("/favicon.ico", "/favicon.ico"), "favicon.ico");
  EXPECT_EQ(part("*.png", "/a/b.png"), "a/b.png");
  EXPECT_EQ(part("/img/pic*", "/img/pic1.png"), "pic1.png");
}

// The definition, written as simply as it can be, and slow.
bool by_definition(std::string_view pattern, std::string_view text, bool first = true) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] != '*') {
    return !text.empty() && text[0] == pattern[0] &&
           by_definition(pattern.substr(1), text.substr(1), false);
  }
  const bool two = pattern.starts_with("**");
  const std::string_view rest = pattern.substr(two ? 2 : 1);
  const bool wide = two || first || rest.empty();
  for (size_t n = wide ? 0 : 1; n <= text.size(); ++n) {
    if (!wide && text[n - 1] == '/') return false;
    if (by_definition(rest, text.substr(n), false)) return true;
  }
  return false;
}

TEST(Pattern, agrees_with_its_definition) {
  const unsigned seed = std::random_device{}();
  std::mt19937 random(seed);
  const auto word = [&](std::string_view letters, size_t longest) {
    std::string text;
    for (size_t n = random() % (longest + 1); n > 0; --n) {
      text.push_back(letters[random() % letters.size()]);
    }
    return text;
  };
  for (int i = 0; i < 5000; ++i) {
    const std::string pattern = "/" + word("a/*b", 8);
    if (pattern.find("***") != std::string::npos) continue;
    const std::string path = "/" + word("a/b", 10);
    ASSERT_EQ(Pattern::of_path(pattern).matches(path), by_definition(pattern, path))
        << pattern << " and " << path << ", seed " << seed;
  }
}

TEST(Pattern, takes_a_hostile_path_in_reasonable_time) {
  const std::string path = "/" + std::string(100000, 'a');
  EXPECT_FALSE(Pattern::of_path("/**a**a**a*b*a**c").matches(path));
  EXPECT_FALSE(Pattern::of_path("/**a*x/b*c").matches(path + "x/" + path));
}

}  // namespace
}  // namespace labcoat::http
