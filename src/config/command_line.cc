#include "config/command_line.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/options.h"
#include "config/route_keys.h"

namespace labcoat::config {
namespace {

struct Flag {
  const char* flag;
  const char* section;
  const char* option;
  const std::string CommandLine::*word;
};

constexpr Flag flags[] = {
    {"--workers", "app", "workers", &CommandLine::workers},
    {"--threads", "app", "threads", &CommandLine::threads},
    {"--edge-threads", "server", "edge_threads", &CommandLine::edge_threads},
    {"--access-log", "server", "access_log", &CommandLine::access_log},
    {"--python", "app", "python", &CommandLine::python},
};

Status add(Settings& out, std::string section, const Option& option, Text text) {
  Status status = check_setting(option, text);
  if (status) out.values.push_back({std::move(section), &option, std::move(text)});
  return status;
}

std::vector<Text> texts(std::string_view urls, const std::string& where) {
  std::vector<Text> out;
  for (const std::string_view url : split(urls, ','))
    out.push_back({std::string(trim(url)), where});
  return out;
}

// "workers=4", "server.backlog=100", "app.shop.workers=4", "admin.listen=URL"
Status read_set(std::string_view words, Settings& out) {
  const std::string where = fmt::format("--set {}", words);
  const size_t equals = words.find('=');
  if (equals == words.npos || equals == 0) {
    return fail_at(where, "expected KNOB=VALUE, such as workers=4 or app.shop.workers=4");
  }
  const std::string_view key = words.substr(0, equals);
  const std::string value(words.substr(equals + 1));
  const size_t dot = key.rfind('.');
  const std::string_view name = dot == key.npos ? key : key.substr(dot + 1);
  const std::string_view section = dot == key.npos ? "" : key.substr(0, dot);
  const std::string_view table = section.substr(0, section.find('.'));
  if (section == "admin" && name == "listen") {
    out.admin = texts(value, where);
    return {};
  }
  const Option* option = find_option(table, name);
  if (option == nullptr) {
    const auto known = option_names(option_names(table).empty() ? "" : table);
    const std::string_view nearest = nearest_word(name, known);
    return fail_at(where,
                   nearest.empty()
                       ? fmt::format("there is no option '{}'; the options are {}", key,
                                     fmt::join(option_names(""), ", "))
                       : fmt::format("there is no option '{}'; did you mean '{}'?", key, nearest));
  }
  if (std::string_view(option->name) == "listen") {
    out.listen = texts(value, where);
    return {};
  }
  if (std::string_view(option->name) == "environment") {
    return fail_at(where, "environment variables are set in the file, or in the shell");
  }
  return add(out, section.empty() ? option->section : std::string(section), *option,
             {value, where});
}

Status read_static(std::string_view words, Settings& out) {
  const std::string where = fmt::format("--static {}", words);
  const size_t equals = words.find('=');
  if (equals == words.npos || equals == 0 || equals + 1 == words.size() || words[0] != '/') {
    return fail_at(where, "expected PREFIX=DIR, such as /static=./static");
  }
  std::string path(words.substr(0, equals));
  while (path.ends_with('/') || path.ends_with('*')) path.pop_back();
  RouteTable& route = out.routes.emplace_back();
  route.where = where;
  for (const auto& [key, text] : {std::pair<const char*, std::string>("path", path + "/*"),
                                  {"files", std::string(words.substr(equals + 1))}}) {
    route.values.push_back({find_route_key(key), key, where, {}, {{text, where}}});
  }
  return {};
}

}  // namespace

Result<Settings> read_command_line(const CommandLine& line, const Surroundings& surroundings) {
  Settings out;
  out.directory = surroundings.directory;
  for (const std::string& url : line.listen) out.listen.push_back({url, "--listen"});
  for (const Flag& flag : flags) {
    const std::string& word = line.*flag.word;
    if (word.empty()) continue;
    const Status status =
        add(out, flag.section, *find_option(flag.section, flag.option), {word, flag.flag});
    if (!status) return tl::unexpected(status.error());
  }
  if (!line.target.empty()) {
    const Status status = add(out, "app", *find_option("app", "target"), {line.target, "the app"});
    if (!status) return tl::unexpected(status.error());
  }
  for (const std::string& words : line.statics) {
    if (const Status status = read_static(words, out); !status)
      return tl::unexpected(status.error());
  }
  for (const std::string& words : line.certificates) {
    const std::string where = fmt::format("--certificate {}", words);
    const size_t comma = words.find(',');
    const std::string key = comma == words.npos ? "" : words.substr(comma + 1);
    out.certificates.push_back({where, {words.substr(0, comma), where}, {key, where}, {}});
  }
  for (const std::string& words : line.sets) {
    if (const Status status = read_set(words, out); !status) return tl::unexpected(status.error());
  }
  return out;
}

}  // namespace labcoat::config
