// Settings: what one source (a configuration file, the command line) says, each value checked by
// itself against its option, not yet put together with what the other sources say.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/option.h"
#include "base/result.h"
#include "config/config.h"

namespace labcoat::config {

struct RouteKey;

// `where` is what a message begins with: "labcoat.toml:12" or "--workers".
struct Text {
  std::string value;
  std::string where;
};

struct Setting {
  std::string section;  // "server", "limits", "app.shop", or "app": of every app
  const Option* option;
  Text text;
};

struct AppTable {
  std::string name;
  std::string where;
  std::map<std::string, std::string> environment;
};

struct CertificateTable {
  std::string where;
  Text file;
  Text key;  // empty: in the same file
  std::vector<Text> hosts;
};

// What one key of a route says; of its kind already (route_keys.h), its texts not yet judged.
struct RouteValue {
  const RouteKey* key;
  std::string shown;  // "route.path"
  std::string where;
  std::vector<Text> names;  // of pairs, as many as items
  std::vector<Text> items;  // one, unless the key takes several
};

// A key may occur twice (of a site and of its route): lists and tables grow, the last text counts.
struct RouteTable {
  std::string where;
  std::vector<RouteValue> values;
};

struct Settings {
  std::string directory;  // absolute: where its relative paths begin
  std::vector<Setting> values;
  std::vector<Text> listen;
  std::vector<Text> admin;
  std::vector<CertificateTable> certificates;
  std::vector<AppTable> apps;
  std::vector<RouteTable> routes;
};

// "WHERE: text"
tl::unexpected<Error> fail_at(std::string_view where, std::string_view text);

// Says that `owner` has no key `word`, and which it has: the nearest one, or all of them.
std::string unknown_key(std::string_view owner, std::string_view word,
                        const std::vector<std::string_view>& known);

// Names of the options of a section.
std::vector<std::string_view> option_names(std::string_view section);

// Type, bounds, and what the rows cannot say: targets and access logs.
Status check_setting(const Option& option, const Text& text);

// "http://127.0.0.1:8000", "unix:/run/shop.sock"; a relative path begins in `directory`.
Result<Listen> parse_listen(const Text& url, const std::string& directory);

// Absolute and without "." and ".."; symbolic links stay.
std::string absolute_path(const std::string& path, const std::string& directory);

}  // namespace labcoat::config
