#include "config/reader.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <unistd.h>

#include "base/text.h"
#include "config/command_line.h"
#include "config/fields.h"
#include "config/options.h"
#include "config/route_builder.h"
#include "config/route_keys.h"
#include "config/tls_settings.h"
#include "config/toml_file.h"

namespace labcoat::config {
namespace {

constexpr int endpoints_max =
    512;  // half of the channel's: a rolling replacement has twice as many workers

bool is_directory(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_directory(path, error);
}

bool exists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// No -c: what stands in the current directory, if anything.
Result<std::string> find_file(const CommandLine& line, const Surroundings& surroundings) {
  if (!line.file.empty()) return line.file;
  const std::string labcoat = surroundings.directory + "/labcoat.toml";
  if (exists(labcoat)) return std::string("labcoat.toml");
  const std::string pyproject = surroundings.directory + "/pyproject.toml";
  if (!exists(pyproject)) return std::string();
  const auto ours = has_labcoat_table(pyproject);
  if (!ours) return tl::unexpected(ours.error());
  return std::string(*ours ? "pyproject.toml" : "");
}

// Puts the sources together: `file` may be absent, the command line wins.
class Assembler {
 public:
  Assembler(const std::optional<Settings>& file, const Settings& line,
            const Surroundings& surroundings)
      : file_(file), line_(line), cpus_(surroundings.cpus) {}

  Result<Config> run() {
    Status status = name_apps();
    if (status) set_defaults();
    if (status && file_) status = apply(*file_);
    if (status) status = apply(line_);
    if (status) status = set_listeners();
    if (status) status = set_tls(line_, file_, config_);
    if (status) status = set_routes();
    if (status) status = set_scaling();
    if (status) status = check_apps();
    if (status) status = check_log(config_.access_log, "server.access_log");
    if (status) status = check_log(config_.slow_log, "server.slow_log");
    if (!status) return tl::unexpected(status.error());
    return std::move(config_);
  }

 private:
  const std::string& base_directory() const { return file_ ? file_->directory : line_.directory; }

  App* find_app(std::string_view name) {
    for (App& app : config_.apps) {
      if (app.name == name) return &app;
    }
    return nullptr;
  }

  std::vector<std::string_view> app_names() const {
    std::vector<std::string_view> names;
    for (const App& app : config_.apps) names.emplace_back(app.name);
    return names;
  }

  Status name_apps() {
    if (file_) {
      for (const AppTable& table : file_->apps) {
        App& app = config_.apps.emplace_back();
        app.name = table.name;
        app.environment = table.environment;
        places_.push_back(table.where);
      }
    }
    const auto target =
        std::find_if(line_.values.begin(), line_.values.end(), [](const Setting& setting) {
          return setting.section == "app" && std::string_view(setting.option->name) == "target";
        });
    if (target == line_.values.end()) return {};
    if (config_.apps.size() > 1) {
      return fail_at(
          target->text.where,
          fmt::format("'{}' could be any of the file's apps ({}); name one with --set "
                      "app.{}.target=…",
                      target->text.value, fmt::join(app_names(), ", "), config_.apps[0].name));
    }
    if (config_.apps.empty()) {
      config_.apps.emplace_back().name = "app";
      places_.push_back(target->text.where);
    }
    return {};
  }

  Status check_proxy_protocol() {
    const std::string& text = config_.proxy_protocol;
    if (text == "on" || text == "off") return {};
    for (const std::string_view word : split(text, ' ')) {
      const bool known = std::any_of(config_.listen.begin(), config_.listen.end(),
                                     [&](const Listen& listen) { return listen.url == word; });
      if (known) continue;
      return fail_at(
          config_.sources["server.proxy_protocol"],
          fmt::format("proxy_protocol: '{}' is not on, off, or a URL that stands in listen", word));
    }
    return {};
  }

  void note(const std::string& name, const CheckedValue& value) {
    config_.sources[name] = value.where;
    config_.values[name] = value.text;
  }

  void set_defaults() {
    static const std::string where = "default";
    for (const Option& option : options()) {
      const CheckedValue value{option.default_value, base_directory(), where, cpus_};
      if (std::string_view(option.section) != "app") {
        set_server_field(config_, option.name, value);
        note(fmt::format("{}.{}", option.section, option.name), value);
        continue;
      }
      for (App& app : config_.apps) {
        set_app_field(app, option.name, value);
        note(fmt::format("app.{}.{}", app.name, option.name), value);
      }
    }
  }

  Status apply(const Settings& settings) {
    for (const Setting& setting : settings.values) {
      const Text& text = setting.text;
      const CheckedValue value{text.value, settings.directory, text.where, cpus_};
      if (std::string_view(setting.option->section) != "app") {
        set_server_field(config_, setting.option->name, value);
        note(fmt::format("{}.{}", setting.section, setting.option->name), value);
        continue;
      }
      const Status status = apply_to_apps(setting, value);
      if (!status) return status;
    }
    return {};
  }

  // "app" means every app, "app.shop" that one.
  Status apply_to_apps(const Setting& setting, const CheckedValue& value) {
    const bool all = setting.section == "app";
    const std::string_view name = all ? "" : std::string_view(setting.section).substr(4);
    if (!all && find_app(name) == nullptr) {
      return fail_at(setting.text.where, no_such_app(name));
    }
    for (App& app : config_.apps) {
      if (!all && app.name != name) continue;
      set_app_field(app, setting.option->name, value);
      note(fmt::format("app.{}.{}", app.name, setting.option->name), value);
    }
    return {};
  }

  std::string no_such_app(std::string_view name) const {
    const std::string_view nearest = nearest_word(name, app_names());
    std::string text = fmt::format("there is no app '{}'", name);
    if (!nearest.empty()) return text + fmt::format("; did you mean '{}'?", nearest);
    if (config_.apps.empty()) return text + "; define it with [app." + std::string(name) + "]";
    return text + fmt::format("; there is {}", fmt::join(app_names(), ", "));
  }

  Status set_listeners() {
    Status status = line_.listen.empty() && file_
                        ? add_listeners(*file_, file_->listen, config_.listen)
                        : add_listeners(line_, line_.listen, config_.listen);
    if (status && config_.listen.empty()) {
      const Text text{find_option("server", "listen")->default_value, "default"};
      config_.listen.push_back(*parse_listen(text, base_directory()));
    }
    const std::vector<Text>& named = line_.listen.empty() && file_ ? file_->listen : line_.listen;
    if (!named.empty()) config_.sources["server.listen"] = named.front().where;
    if (status) status = check_proxy_protocol();
    if (!status) return status;
    config_.values["server.listen"].clear();
    for (const Listen& listen : config_.listen) {
      config_.values["server.listen"].append(listen.url).append(" ");
    }
    config_.values["server.listen"].pop_back();
    status = line_.admin.empty() && file_ ? add_listeners(*file_, file_->admin, config_.admin)
                                          : add_listeners(line_, line_.admin, config_.admin);
    if (const size_t all = config_.listen.size() + config_.admin.size();
        status && all > Config::listeners_max) {
      return fail_at(config_.sources["server.listen"],
                     fmt::format("{} listeners are more than one server can have: at most {}", all,
                                 Config::listeners_max));
    }
    return status;
  }

  Status add_listeners(const Settings& settings, const std::vector<Text>& urls,
                       std::vector<Listen>& out) {
    for (const Text& url : urls) {
      const auto listen = parse_listen(url, settings.directory);
      if (!listen) return tl::unexpected(listen.error());
      if (listen->kind == Listen::Kind::https && certificates_of(line_, file_).empty()) {
        return fail_at(url.where, no_certificate(url.value));
      }
      const bool fixed = listen->kind == Listen::Kind::unix_socket || listen->port != 0;
      for (const auto* taken : {&config_.listen, &config_.admin}) {
        for (const Listen& other : *taken) {
          if (fixed && other.url == listen->url) {
            return fail_at(url.where, fmt::format("'{}' is named twice", url.value));
          }
        }
      }
      if (&out == &config_.admin && !out.empty()) {
        return fail_at(url.where, "there can be only one admin listener");
      }
      out.push_back(*listen);
    }
    return {};
  }

  Status set_routes() {
    // --static comes first: it is the more special wish.
    for (const RouteTable& route : line_.routes) {
      if (const Status status = add_route(route, line_.directory); !status) return status;
    }
    if (file_) {
      for (const RouteTable& route : file_->routes) {
        if (const Status status = add_route(route, file_->directory); !status) return status;
      }
    }
    return route_the_rest();
  }

  Status add_route(const RouteTable& table, const std::string& directory) {
    auto route = build_route(table, directory);
    if (!route) return tl::unexpected(route.error());
    for (const RouteValue& value : table.values) {
      if (std::string_view(value.key->name) != "app" || find_app(route->app) != nullptr) continue;
      return fail_at(value.where, value.shown + ": " + no_such_app(route->app));
    }
    config_.routes.push_back(std::move(*route));
    return {};
  }

  // One app needs no route: it gets what nobody else answers. Of several, each must have been
  // thought of.
  Status route_the_rest() {
    for (size_t i = 0; i < config_.apps.size(); ++i) {
      const App& app = config_.apps[i];
      const bool routed = std::any_of(config_.routes.begin(), config_.routes.end(),
                                      [&](const Route& route) { return route.app == app.name; });
      if (routed) continue;
      if (config_.apps.size() > 1) {
        return fail_at(places_[i], fmt::format("no [[route]] leads to the app '{}'", app.name));
      }
      Route rest;
      rest.where = places_[i];
      rest.path.emplace_back("/*");
      rest.app = app.name;
      config_.routes.push_back(std::move(rest));
    }
    if (!config_.routes.empty()) return name_routes(config_.routes);
    return fail(
        "there is nothing to serve: name an app (MODULE:CALLABLE), a directory (--static "
        "/=DIR) or a configuration file (-c FILE)");
  }

  // 0 means "as workers"; the number of workers at the start lies between the two.
  Status set_scaling() {
    for (App& app : config_.apps) {
      if (app.workers_min > 0 && app.workers_max > 0 && app.workers_min > app.workers_max) {
        return fail_at(config_.sources[fmt::format("app.{}.workers_max", app.name)],
                       fmt::format("workers_max = {} is less than workers_min = {}",
                                   app.workers_max, app.workers_min));
      }
      if (app.workers_min == 0)
        app.workers_min =
            std::min(app.workers, app.workers_max > 0 ? app.workers_max : app.workers);
      if (app.workers_max == 0) app.workers_max = std::max(app.workers, app.workers_min);
      app.workers = std::clamp(app.workers, app.workers_min, app.workers_max);
    }
    return {};
  }

  Status check_apps() {
    for (size_t i = 0; i < config_.apps.size(); ++i) {
      const App& app = config_.apps[i];
      if (app.target.empty()) {
        return fail_at(places_[i], fmt::format("app.{} has no target; expected target = "
                                               "\"MODULE:CALLABLE\"",
                                               app.name));
      }
      if (!is_directory(app.directory)) {
        return fail_at(config_.sources[fmt::format("app.{}.directory", app.name)],
                       fmt::format("the directory {} of the app '{}' does not exist", app.directory,
                                   app.name));
      }
      if (app.workers_max * app.threads > endpoints_max) {
        return fail_at(config_.sources[fmt::format("app.{}.workers", app.name)],
                       fmt::format("{} workers of {} threads are {}; the app '{}' can have at most "
                                   "{} threads in all",
                                   app.workers_max, app.threads, app.workers_max * app.threads,
                                   app.name, endpoints_max));
      }
    }
    return {};
  }

  Status check_log(const std::string& log, const char* name) {
    if (!log.starts_with('/')) return {};
    const std::string directory = std::filesystem::path(log).parent_path().string();
    const bool writable = exists(log) ? access(log.c_str(), W_OK) == 0 && !is_directory(log)
                                      : access(directory.c_str(), W_OK) == 0;
    if (writable) return {};
    return fail_at(config_.sources[name],
                   fmt::format("{} cannot be written: {}", log,
                               is_directory(log)         ? "it is a directory"
                               : is_directory(directory) ? "permission denied"
                                                         : directory + " does not exist"));
  }

  const std::optional<Settings>& file_;
  const Settings& line_;
  int cpus_;
  Config config_;
  std::vector<std::string> places_;  // of config_.apps: where each was named
};

}  // namespace

Result<std::string> find_config_file(const CommandLine& line, const Surroundings& surroundings) {
  auto path = find_file(line, surroundings);
  if (!path || path->empty()) return path;
  return absolute_path(*path, surroundings.directory);
}

Result<Config> read_config(const CommandLine& line, const Surroundings& surroundings) {
  const auto words = read_command_line(line, surroundings);
  if (!words) return tl::unexpected(words.error());
  const auto path = find_file(line, surroundings);
  if (!path) return tl::unexpected(path.error());
  std::optional<Settings> file;
  if (!path->empty()) {
    const std::string absolute = absolute_path(*path, surroundings.directory);
    auto settings = read_toml_file(*path, absolute);
    if (!settings) return tl::unexpected(settings.error());
    file = std::move(*settings);
  }
  return Assembler(file, *words, surroundings).run();
}

}  // namespace labcoat::config
