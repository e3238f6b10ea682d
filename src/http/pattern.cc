#include "http/pattern.h"

#include <algorithm>

#include "base/check.h"
#include "http/ascii.h"

namespace labcoat::http {
namespace {

// Stand for stars in a compiled pattern; control bytes cannot be typed into a pattern.
constexpr char anything = '\1';
constexpr char in_segment = '\2';

// "/a/*/b" as bytes: which star is of which kind.
std::string compile(std::string_view text, bool segments) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '*') {
      out.push_back(text[i]);
      continue;
    }
    const size_t begin = i;
    while (i + 1 < text.size() && text[i + 1] == '*') ++i;
    const bool at_end = begin == 0 || i + 1 == text.size();
    out.push_back(!segments || at_end || i > begin ? anything : in_segment);
  }
  return out;
}

bool is_star(char c) {
  return c == anything || c == in_segment;
}

}  // namespace

Pattern Pattern::of_path(std::string_view text) {
  Pattern pattern;
  pattern.literal_ = compile(text, true);
  std::string& literal = pattern.literal_;
  const auto stars = std::count_if(literal.begin(), literal.end(), is_star);
  CHECK(static_cast<size_t>(stars) <= stars_max);
  if (stars == 0) return pattern;
  if (stars == 1 && literal.back() == anything) {
    pattern.kind_ = Kind::prefix;
    literal.pop_back();
  } else if (stars == 1 && literal.front() == anything) {
    pattern.kind_ = Kind::suffix;
    literal.erase(0, 1);
  } else {
    pattern.kind_ = Kind::mixed;
  }
  return pattern;
}

Pattern Pattern::of_value(std::string_view text) {
  Pattern pattern;
  pattern.kind_ = Kind::mixed;
  pattern.fold_ = true;
  pattern.literal_ = compile(text, false);
  std::transform(pattern.literal_.begin(), pattern.literal_.end(), pattern.literal_.begin(), lower);
  return pattern;
}

bool Pattern::matches(std::string_view text, Stars& stars) const {
  stars.count = 0;
  if (!matches(text)) return false;
  if (kind_ == Kind::mixed) return match_mixed(text, &stars);
  if (kind_ == Kind::exact) return true;
  stars.count = 1;
  stars.of[0] = kind_ == Kind::prefix ? text.substr(literal_.size())
                                      : text.substr(0, text.size() - literal_.size());
  return true;
}

std::string_view Pattern::file_part(std::string_view path) const {
  if (kind_ == Kind::prefix) {
    // "/img/pic*" is a prefix within a segment: the file has all of its name.
    return path.substr(literal_.substr(0, literal_.rfind('/') + 1).size());
  }
  if (kind_ == Kind::exact) return path.substr(path.rfind('/') + 1);
  return path.substr(path.starts_with('/') ? 1 : 0);
}

bool Pattern::match_mixed(std::string_view text, Stars* stars) const {
  return fold_ ? search<true>(text, stars) : search<false>(text, stars);
}

// The first fit of what follows a star leaves the most for what comes later, so only the last star
// of each kind is ever widened, and never an in_segment before the last anything. Steps grow with
// the length of the text times that of the pattern, not more.
template <bool fold>
bool Pattern::search(std::string_view text, Stars* stars) const {
  constexpr size_t none = std::string_view::npos;
  const std::string_view pattern = literal_;
  struct Retry {
    size_t pattern = none;  // behind the star
    size_t end = 0;         // of what the star stands for
    size_t star = 0;
    size_t star_count = 0;
  };
  Retry wide, narrow;
  size_t p = 0, t = 0, star = 0;
  size_t begins[stars_max + 1] = {}, ends[stars_max + 1] = {};
  for (;;) {
    if (p < pattern.size() && is_star(pattern[p])) {
      const bool is_wide = pattern[p] == anything;
      const size_t index = std::min(star++, stars_max);
      begins[index] = ends[index] = t;
      ++p;
      if (is_wide) {
        wide = {p, t, index, star};
        narrow.pattern = none;
        continue;
      }
      if (t < text.size() && text[t] != '/') {
        ends[index] = ++t;
        narrow = {p, t, index, star};
        continue;
      }
    } else if (p < pattern.size() && t < text.size() &&
               (fold ? lower(text[t]) : text[t]) == pattern[p]) {
      ++p;
      ++t;
      continue;
    } else if (p == pattern.size() && t == text.size()) {
      break;
    }
    const bool can_narrow =
        narrow.pattern != none && narrow.end < text.size() && text[narrow.end] != '/';
    if (!can_narrow && (wide.pattern == none || wide.end == text.size())) return false;
    Retry& retry = can_narrow ? narrow : wide;
    if (!can_narrow && narrow.pattern != none) {
      // What is not to be found from here is not to be found from further on in this segment.
      const size_t slash = std::min(text.find('/', wide.end), text.size());
      if (slash > wide.end) wide.end = slash - 1;
      narrow.pattern = none;
    }
    t = ++retry.end;
    p = retry.pattern;
    star = retry.star_count;
    ends[retry.star] = t;
  }
  if (stars == nullptr) return true;
  stars->count = std::min(star, stars_max);
  for (size_t i = 0; i < stars->count; ++i) {
    stars->of[i] = text.substr(begins[i], ends[i] - begins[i]);
  }
  return true;
}

}  // namespace labcoat::http
