#include "config/route_builder.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <set>

#include "base/text.h"
#include "config/route_keys.h"

namespace labcoat::config {
namespace {

tl::unexpected<Error> bad_value(const RouteValue& value, const Text& text, std::string_view why) {
  return fail_at(text.where, fmt::format("{}: '{}' {}; expected {}", value.shown, text.value, why,
                                         value.key->expected));
}

Status check_items(const RouteValue& value) {
  const RouteKey& key = *value.key;
  for (const Text& name : value.names) {
    const char* why = key.check_name == nullptr ? nullptr : key.check_name(name.value);
    if (why != nullptr) return bad_value(value, name, why);
  }
  for (const Text& item : value.items) {
    const char* why = key.check == nullptr ? nullptr : key.check(item.value);
    if (why != nullptr) return bad_value(value, item, why);
  }
  return {};
}

Result<i64> number_of(const RouteValue& value) {
  const RouteKey& key = *value.key;
  const Text& text = value.items[0];
  const auto number = key.kind == RouteKind::duration ? parse_duration(text.value)
                      : key.kind == RouteKind::size   ? parse_size(text.value)
                                                      : parse_int(text.value);
  if (!number) return bad_value(value, text, "is not that");
  if (*number < key.min || *number > key.max) return bad_value(value, text, "is out of range");
  return number;
}

Result<std::string> path_of(const RouteValue& value, const Text& text,
                            const std::string& directory) {
  const bool wants_directory =
      value.key->kind == RouteKind::directory || value.key->kind == RouteKind::directories;
  std::string path = absolute_path(text.value, directory);
  std::error_code error;
  const bool found = wants_directory ? std::filesystem::is_directory(path, error)
                                     : std::filesystem::is_regular_file(path, error);
  if (found) return path;
  return fail_at(text.where, fmt::format("{}: the {} {} does not exist", value.shown,
                                         wants_directory ? "directory" : "file", path));
}

// Puts one value into its member, by the member's type.
struct Setter {
  Route& route;
  const RouteValue& value;
  const std::string& directory;

  Status operator()(std::string Route::*member) const {
    const Text& text = value.items[0];
    if (value.key->kind == RouteKind::directory || value.key->kind == RouteKind::file) {
      auto path = path_of(value, text, directory);
      if (!path) return tl::unexpected(path.error());
      route.*member = std::move(*path);
    } else {
      route.*member = text.value;
    }
    return {};
  }
  Status operator()(std::vector<std::string> Route::*member) const {
    if (value.key->replaces) (route.*member).clear();
    for (const Text& item : value.items) {
      if (!is_path(value.key->kind)) {
        (route.*member).push_back(item.value);
        continue;
      }
      auto path = path_of(value, item, directory);
      if (!path) return tl::unexpected(path.error());
      (route.*member).push_back(std::move(*path));
    }
    return {};
  }
  Status operator()(Pairs Route::*member) const {
    for (size_t i = 0; i < value.items.size(); ++i) {
      std::string text = value.items[i].value;
      if (value.key->kind == RouteKind::files) {
        auto path = path_of(value, value.items[i], directory);
        if (!path) return tl::unexpected(path.error());
        text = std::move(*path);
      }
      (route.*member).emplace_back(value.names[i].value, std::move(text));
    }
    return {};
  }
  Status operator()(bool Route::*member) const {
    const auto flag = parse_bool(value.items[0].value);
    if (!flag) return bad_value(value, value.items[0], "is neither");
    route.*member = *flag;
    return {};
  }
  Status operator()(i64 Route::*member) const {
    const auto number = number_of(value);
    if (!number) return tl::unexpected(number.error());
    route.*member = *number;
    return {};
  }
};

const RouteValue* find_value(const RouteTable& table, std::string_view key) {
  for (const RouteValue& value : table.values) {
    if (key == value.key->name) return &value;
  }
  return nullptr;
}

// Where a message about a key points: to the key, else to the route.
std::string place(const RouteTable& table, std::string_view key) {
  const RouteValue* value = find_value(table, key);
  return value == nullptr
             ? table.where
             : fmt::format("{}: {}", value->items.empty() ? value->where : value->items[0].where,
                           value->shown);
}

// Exactly one kind of answer; keys that only go with another kind are a misunderstanding.
Status check_answer(const RouteTable& table, const Route& route) {
  const std::string& path = route.path.front();
  std::vector<std::string_view> given;
  for (const char* key : {"files", "app", "redirect", "answer"}) {
    if (find_value(table, key) != nullptr) given.emplace_back(key);
  }
  const bool has_status = find_value(table, "status") != nullptr;
  if (given.empty() && !has_status) {
    return fail_at(table.where, fmt::format("the route \"{}\" needs one of files, app, redirect, "
                                            "answer and status",
                                            path));
  }
  if (given.size() > 1) {
    return fail_at(table.where, fmt::format("the route \"{}\" has {}; only one of them can answer",
                                            path, fmt::join(given, " and ")));
  }
  const bool fixed = given.empty() || given[0] == "answer";
  const bool redirects = !fixed && given[0] == "redirect";
  if (has_status && !fixed && !redirects) {
    return fail_at(place(table, "status"),
                   fmt::format("goes with answer or redirect, not with {}", given[0]));
  }
  constexpr i64 redirect_statuses[] = {301, 302, 303, 307, 308};
  if (redirects && has_status &&
      std::find(std::begin(redirect_statuses), std::end(redirect_statuses), route.status) ==
          std::end(redirect_statuses)) {
    return fail_at(
        place(table, "status"),
        fmt::format("'{}' is not a redirect's; expected 301, 302, 303, 307 or 308", route.status));
  }
  if (!fixed && find_value(table, "content_type") != nullptr) {
    return fail_at(place(table, "content_type"), "goes with answer only");
  }
  for (const char* key : {"strip_prefix", "rewrite"}) {
    if ((fixed || redirects) && find_value(table, key) != nullptr) {
      return fail_at(place(table, key), "goes with app or files only");
    }
  }
  for (const char* key : {"max_concurrent", "max_waiting", "priority"}) {
    if (route.app.empty() && find_value(table, key) != nullptr) {
      return fail_at(place(table, key), "goes with app only");
    }
  }
  if (find_value(table, "max_waiting") != nullptr && route.max_concurrent == 0) {
    return fail_at(place(table, "max_waiting"), "goes with max_concurrent only");
  }
  return {};
}

// Every "{name}" must be a variable, every "{2}" a star that each of the route's paths has.
Status check_template(const RouteTable& table, const Route& route, std::string_view key,
                      const std::string& text, std::span<const std::string_view> known) {
  std::string wrong;
  size_t stars = std::string::npos;
  for (const std::string& path : route.path) stars = std::min(stars, stars_of(path));
  bool counts = false;
  for_each_piece(text, [&](std::string_view piece, bool is_variable) {
    if (!is_variable || !wrong.empty()) return;
    const auto number = parse_int(piece);
    counts |= bool(number);
    const bool good = number ? *number >= 1 && *number <= static_cast<i64>(stars)
                             : std::find(known.begin(), known.end(), piece) != known.end();
    if (!good) wrong = piece;
  });
  if (wrong.empty()) return {};
  if (counts && parse_int(wrong)) {
    return fail_at(place(table, key),
                   fmt::format("'{{{}}}' is no star of the path \"{}\", which has {}", wrong,
                               fmt::join(route.path, "\", \""), stars));
  }
  const std::string_view nearest = nearest_word(wrong, known);
  return fail_at(place(table, key),
                 nearest.empty() ? fmt::format("there is no variable '{{{}}}'; there is {{{}}}",
                                               wrong, fmt::join(known, "}, {"))
                                 : fmt::format("there is no variable '{{{}}}'; did you mean "
                                               "'{{{}}}'?",
                                               wrong, nearest));
}

Status check_templates(const RouteTable& table, const Route& route) {
  static constexpr std::string_view of_path[] = {"path"};
  static constexpr std::string_view of_answer[] = {"request_id"};
  Status status = check_template(table, route, "redirect", route.redirect, template_variables);
  if (status) status = check_template(table, route, "rewrite", route.rewrite, of_path);
  for (const auto& [name, value] : route.set_request_header) {
    if (!status) return status;
    status = check_template(table, route, "set_request_header", value, template_variables);
  }
  for (const auto& [name, value] : route.set_header) {
    if (!status) return status;
    status = check_template(table, route, "set_header", value, of_answer);
  }
  for (const auto& [name, value] : route.add_header) {
    if (!status) return status;
    status = check_template(table, route, "add_header", value, of_answer);
  }
  return status;
}

// "on" and "off" are the whole of it.
Status check_compress(const RouteTable& table, const Route& route) {
  const auto& words = route.compress;
  const bool whole = std::any_of(words.begin(), words.end(), [](const std::string& word) {
    return word == "on" || word == "off";
  });
  if (!whole || words.size() == 1) return {};
  return fail_at(place(table, "compress"), "true or false stands alone, not in a list");
}

Status check_rate(const RouteTable& table, const Route& route) {
  for (const char* key : {"rate_burst", "rate_key"}) {
    if (!route.rate_limit.empty() || find_value(table, key) == nullptr) continue;
    return fail_at(place(table, key), "goes with rate_limit");
  }
  return {};
}

// Only an app leads to it: with the path that it names, and nothing else of a request.
Status check_internal(const RouteTable& table, const Route& route) {
  if (!route.internal) return {};
  if (route.files.empty()) return fail_at(place(table, "internal"), "goes with files only");
  for (const char* key : {"method", "header", "without_header"}) {
    if (find_value(table, key) == nullptr) continue;
    return fail_at(place(table, key), "does not go with internal: an app names only a path");
  }
  return {};
}

Status check_path_change(const RouteTable& table, const Route& route) {
  if (route.strip_prefix.empty()) return {};
  if (!route.rewrite.empty()) {
    return fail_at(place(table, "strip_prefix"), "cannot go with rewrite");
  }
  for (const std::string& path : route.path) {
    const bool fits = path == route.strip_prefix || path.starts_with(route.strip_prefix + "/");
    if (!fits) {
      return fail_at(
          place(table, "strip_prefix"),
          fmt::format("'{}' is not in front of the path \"{}\"", route.strip_prefix, path));
    }
  }
  return {};
}

}  // namespace

Result<Route> build_route(const RouteTable& table, const std::string& directory) {
  Route route;
  route.where = table.where;
  for (const RouteValue& value : table.values) {
    Status status = check_items(value);
    if (status) status = std::visit(Setter{route, value, directory}, value.key->field);
    if (!status) return tl::unexpected(status.error());
  }
  for (std::string& host : route.host) {
    host = to_lower(host);
    if (host.ends_with('.')) host.pop_back();
  }
  if (std::find(route.host.begin(), route.host.end(), "*") != route.host.end()) route.host.clear();
  if (route.path.empty()) {
    // A route that says nothing of its requests is more likely a slip than a wish for all of them.
    const bool is_special = find_value(table, "host") != nullptr || !route.scheme.empty() ||
                            !route.method.empty() || !route.header.empty() ||
                            !route.without_header.empty();
    if (!is_special) {
      return fail_at(table.where, "this route has no path, such as \"/static/*\"");
    }
    route.path.emplace_back("/*");
  }
  Status status = check_answer(table, route);
  if (status) status = check_path_change(table, route);
  if (status) status = check_compress(table, route);
  if (status) status = check_internal(table, route);
  if (status) status = check_rate(table, route);
  if (status) status = check_templates(table, route);
  if (!status) return tl::unexpected(status.error());
  if (route.status == 0 && route.app.empty() && route.files.empty()) {
    route.status = route.redirect.empty() ? 200 : 302;
  }
  return route;
}

Status name_routes(std::vector<Route>& routes) {
  std::set<std::string> names;
  for (const Route& route : routes) {
    if (!route.name.empty() && !names.insert(route.name).second) {
      return fail_at(route.where,
                     fmt::format("route.name: there is another route '{}'", route.name));
    }
  }
  for (Route& route : routes) {
    if (!route.name.empty()) continue;
    const std::string host = route.host.empty() ? "" : route.host.front();
    const std::string base = host + route.path.front();
    route.name = base;
    for (int i = 2; !names.insert(route.name).second; ++i) {
      route.name = fmt::format("{} ({})", base, i);
    }
  }
  return {};
}

}  // namespace labcoat::config
