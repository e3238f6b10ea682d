#include "lab/application.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

#include "base/text.h"
#include "config/options.h"
#include "config/route_keys.h"
#include "config/toml_file.h"
#include "lab/config_edit.h"

namespace labcoat {
namespace {

namespace fs = std::filesystem;

// "app.shop" or "server": where a value of this option stands in this file. Apps share what --set
// gives to all of them, so a change goes to each.
std::vector<std::string> tables_of(const Option& option, const config::Settings& settings) {
  if (std::string_view(option.section) != "app") return {option.section};
  std::vector<std::string> tables;
  for (const config::AppTable& app : settings.apps) tables.push_back("app." + app.name);
  return tables;
}

Result<std::string> with_changes(std::string text, const config::Settings& settings,
                                 const KnobValues& changes) {
  for (const auto& [name, value] : changes) {
    const Option* option = config::find_option("", name);
    if (option == nullptr) return fail(fmt::format("labcoat has no setting '{}'", name));
    const bool as_text = option->type != OptionType::integer && option->type != OptionType::real &&
                         option->type != OptionType::boolean;
    for (const std::string& table : tables_of(*option, settings)) {
      auto edited = set_toml_value(text, table, name, toml_literal(value, as_text));
      if (!edited) return tl::unexpected(edited.error());
      text = std::move(*edited);
    }
  }
  return text;
}

bool is_relative_path(const std::string& path) {
  return !path.empty() && path[0] != '/';
}

// Relative paths begin in the file's folder; a copy elsewhere needs them absolute.
Result<std::string> with_absolute_paths(std::string text, const config::Settings& settings,
                                        const std::string& folder) {
  const auto absolute = [&](const std::string& path) {
    const std::string whole = (fs::path(folder) / path).lexically_normal().string();
    return toml_literal(
        whole.size() > 1 && whole.ends_with('/') ? whole.substr(0, whole.size() - 1) : whole, true);
  };
  Result<std::string> out = std::move(text);
  const auto set = [&](const std::string& table, const char* key, const std::string& path) {
    if (out) out = set_toml_value(*out, table, key, absolute(path));
  };
  for (const config::AppTable& app : settings.apps) {
    std::string directory = ".";
    for (const config::Setting& setting : settings.values) {
      if (setting.section != "app." + app.name) continue;
      const std::string_view name = setting.option->name;
      if (name == "directory") directory = setting.text.value;
      const bool is_path = setting.text.value.find('/') != std::string::npos;
      if (name == "python" && is_path && is_relative_path(setting.text.value)) {
        set(setting.section, "python", setting.text.value);
      }
    }
    if (is_relative_path(directory)) set("app." + app.name, "directory", directory);
  }
  // Routes are an array of tables, which is edited by value: every relative folder once.
  for (const config::RouteTable& route : settings.routes) {
    for (const config::RouteValue& value : route.values) {
      if (!config::is_path(value.key->kind)) continue;
      for (size_t i = 0; out && i < value.items.size(); ++i) {
        const std::string& path = value.items[i].value;
        if (!is_relative_path(path)) continue;
        const std::string key = value.names.empty() ? value.key->name : value.names[i].value;
        const std::string from = toml_literal(path, true);
        const std::string to = fmt::format("{} = {}", key, absolute(path));
        for (const char* equals : {" = ", "="}) {
          const std::string entry = fmt::format("{}{}{}", key, equals, from);
          const size_t at = out->find(entry);
          if (at != std::string::npos) out->replace(at, entry.size(), to);
          // One of a list.
          const size_t list = out->find(fmt::format("{}{}[", key, equals));
          if (list == std::string::npos) continue;
          const size_t item = out->find(from, list);
          if (item < out->find(']', list)) out->replace(item, from.size(), absolute(path));
        }
      }
    }
  }
  return out;
}

// What `labcoat serve MODULE:CALLABLE` amounts to.
std::string text_for_callable(const StudyRequest& request) {
  std::string name = request.callable.substr(0, request.callable.find_first_of(".:"));
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return fmt::format(
      "[server]\nlisten = [\"http://127.0.0.1:8000\"]\n\n"
      "[app.{0}]\ntarget = {1}\ndirectory = {2}\n\n"
      "[[route]]\npath = \"/*\"\napp = \"{0}\"\n",
      name, toml_literal(request.callable, true), toml_literal(request.directory, true));
}

struct Source {
  std::string text;
  config::Settings settings;
};

Result<Source> read_source(const StudyRequest& request) {
  Source source;
  if (request.config.empty()) {
    source.text = text_for_callable(request);
    const std::string name = source.text.substr(source.text.find("[app.") + 5);
    source.settings.apps.push_back({name.substr(0, name.find(']')), "", {}});
    return source;
  }
  auto text = read_file(request.config);
  if (!text) return tl::unexpected(text.error());
  auto settings = config::read_toml_file(request.config, request.config);
  if (!settings) return tl::unexpected(settings.error());
  source.text = std::move(*text);
  source.settings = std::move(*settings);
  return source;
}

}  // namespace

Result<KnobValues> knobs_of_application(const StudyRequest& request,
                                        const std::vector<Knob>& knobs) {
  auto source = read_source(request);
  if (!source) return tl::unexpected(source.error());
  KnobValues out;
  for (const Knob& knob : knobs) out[knob.name] = knob.default_value;
  for (const config::Setting& setting : source->settings.values) {
    const auto knob = out.find(setting.option->name);
    if (knob != out.end()) knob->second = setting.text.value;
  }
  return out;
}

Result<std::string> configuration_text(const StudyRequest& request, const KnobValues& changes,
                                       bool for_arm) {
  auto source = read_source(request);
  if (!source) return tl::unexpected(source.error());
  Result<std::string> text = source->text;
  if (!request.config.empty()) {
    const std::string folder = fs::path(request.config).parent_path().string();
    text = with_absolute_paths(*text, source->settings, folder);
  }
  if (text && for_arm) text = remove_toml_table(*text, "admin");
  if (text && !request.python.empty() && !source->settings.apps.empty()) {
    for (const config::AppTable& app : source->settings.apps) {
      if (text) {
        text =
            set_toml_value(*text, "app." + app.name, "python", toml_literal(request.python, true));
      }
    }
  }
  if (!text) return text;
  return with_changes(*text, source->settings, changes);
}

Result<std::string> apply_changes(const StudyRequest& request, const KnobValues& changes) {
  if (request.config.empty()) {
    const std::string path = request.directory + "/labcoat.toml";
    if (fs::exists(path)) {
      return fail(
          fmt::format("{} exists but was not the configuration that was tuned; copy best.toml "
                      "by hand",
                      path));
    }
    auto text = configuration_text(request, changes, false);
    if (!text) return tl::unexpected(text.error());
    if (auto status = write_file(path, *text); !status) return tl::unexpected(status.error());
    return "";
  }
  auto source = read_source(request);
  if (!source) return tl::unexpected(source.error());
  auto text = with_changes(source->text, source->settings, changes);
  if (!text) return tl::unexpected(text.error());
  std::string backup = request.config + ".before-tune";
  for (int i = 2; fs::exists(backup); ++i)
    backup = fmt::format("{}.before-tune-{}", request.config, i);
  if (auto status = write_file(backup, source->text); !status) {
    return tl::unexpected(status.error());
  }
  if (auto status = write_file(request.config, *text); !status) {
    return tl::unexpected(status.error());
  }
  return backup;
}

}  // namespace labcoat
