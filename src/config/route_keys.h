// The keys of [[route]] and [[site]]: one row each, read by the parser of the file, the messages,
// the JSON for the edge, and the docs' test. A new key is a row here and a member of Route.
#pragma once

#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "config/route.h"

namespace labcoat::config {

// How a key is written.
enum class RouteKind {
  text,
  texts,  // one text or a list of them
  pairs,  // a table of texts: { NAME = "value" }
  flag,
  integer,
  duration,  // "10s"; the member holds nanoseconds
  size,      // "64KiB"; the member holds bytes
  file,      // paths are relative to the configuration file
  directory,
  files,        // a table of files: { NAME = "path" }
  words,        // texts, or true or false, which are "on" and "off"
  directories,  // one or a list of them
};

constexpr bool is_path(RouteKind kind) {
  return kind == RouteKind::file || kind == RouteKind::directory || kind == RouteKind::files ||
         kind == RouteKind::directories;
}

using RouteField = std::variant<std::string Route::*, std::vector<std::string> Route::*,
                                Pairs Route::*, bool Route::*, i64 Route::*>;

struct RouteKey {
  const char* name;  // the member's as well
  RouteKind kind;    // as `field` can hold it
  RouteField field;
  const char* expected;  // for messages: "a path such as …"
  // Of each text, and of each name of pairs: nullptr, or what is wrong, as in "'x' WHY".
  const char* (*check)(std::string_view item) = nullptr;
  const char* (*check_name)(std::string_view name) = nullptr;
  i64 min = 0;  // of integer, duration (ns) and size
  i64 max = i64{1} << 62;
  bool for_site = false;  // may also stand in a [[site]], for all its routes
  bool replaces = false;  // a route's own list takes the place of its site's
};

std::span<const RouteKey> route_keys();
const RouteKey* find_route_key(std::string_view name);
std::vector<std::string_view> route_key_names();

// The names of the variables that a template such as "https://{host}{path}" may have.
inline constexpr std::string_view template_variables[] = {
    "path", "query", "host", "scheme", "method", "remote_address", "request_id"};

// Calls piece(text, is_variable) for every piece of a template in turn: "{name}" is a variable when
// the name has only lower-case letters, digits and _; other braces stand for themselves.
template <class Piece>
void for_each_piece(std::string_view text, const Piece& piece) {
  size_t literal = 0;
  for (size_t at = text.find('{'); at != text.npos; at = text.find('{', at + 1)) {
    const size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_", at + 1);
    if (end == text.npos) break;
    if (text[end] != '}' || end == at + 1) continue;
    if (at > literal) piece(text.substr(literal, at - literal), false);
    piece(text.substr(at + 1, end - at - 1), true);
    literal = end + 1;
    at = end;
  }
  if (literal < text.size()) piece(text.substr(literal), false);
}

// How many stars a path pattern has: {1} is what the first one stood for. "**" is one.
size_t stars_of(std::string_view pattern);

}  // namespace labcoat::config
