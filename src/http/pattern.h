// Pattern: a text with stars, compiled once, matched without allocation and without backtracking
// that could explode. Two small languages, docs/routes.md:
//
//   Of a path: at its beginning and its end a star stands for anything, slashes and nothing
//   included; in between for one or more characters of one segment. Two stars stand for anything
//   wherever they are. "/robots.txt", "/static/*", "*.php", "/a/*/b", "/a/**/b".
//   Of a header's value: a star stands for anything, and the case of letters does not matter.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace labcoat::http {

class Pattern {
 public:
  static constexpr size_t stars_max = 9;
  // What the stars stood for, in their order; views into the matched text.
  struct Stars {
    std::string_view of[stars_max];
    size_t count = 0;
  };

  // Stars beyond stars_max are an error of the caller.
  static Pattern of_path(std::string_view text);
  static Pattern of_value(std::string_view text);

  bool matches(std::string_view text) const {
    switch (kind_) {
      case Kind::exact:
        return text == literal_;
      case Kind::prefix:
        return text.starts_with(literal_);
      case Kind::suffix:
        return text.ends_with(literal_);
      case Kind::mixed:
        return match_mixed(text, nullptr);
    }
    return false;
  }
  // The same, and tells what the stars stood for.
  bool matches(std::string_view text, Stars& stars) const;
  // Whether it matches any text that starts with '/'.
  bool matches_every_path() const {
    return kind_ == Kind::suffix ? literal_.empty()
                                 : kind_ == Kind::prefix && (literal_.empty() || literal_ == "/");
  }
  // The part of a matched path that names a file: below a prefix what the star stood for, of an
  // exact path its last segment, else all of it.
  std::string_view file_part(std::string_view path) const;

 private:
  // The shapes that need no search, and the rest.
  enum class Kind : unsigned char { exact, prefix, suffix, mixed };
  Pattern() = default;
  bool match_mixed(std::string_view text, Stars* stars) const;
  template <bool fold>
  bool search(std::string_view text, Stars* stars) const;

  Kind kind_ = Kind::exact;
  bool fold_ = false;    // letters in lower case; the text's are folded
  std::string literal_;  // without its star; of mixed: with stars as the two bytes of pattern.cc
};

}  // namespace labcoat::http
