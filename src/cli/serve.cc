// labcoat serve: reads the configuration, then hands it with the commands of its children to the
// supervisor.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "base/cpu_count.h"
#include "channel/channel.h"
#include "cli/check.h"
#include "cli/command.h"
#include "cli/control_place.h"
#include "cli/explain.h"
#include "cli/program_files.h"
#include "cli/serve_words.h"
#include "config/python.h"
#include "edge/tls_keeper.h"
#include "routes/router.h"
#include "supervisor/supervisor.h"

namespace labcoat {
namespace {

// The zygote speaks first thing: it must find our package before the user's sys.path is set up.
std::string bootstrap(const std::string& directory) {
  const std::string quoted = nlohmann::json(directory).dump(
      -1, ' ', true, nlohmann::json::error_handler_t::replace);  // a Python literal, too
  return fmt::format(
      "import sys; sys.path.insert(0, {}); from labcoat.zygote import main; main(int(sys.argv[1]))",
      quoted);
}

channel::Geometry geometry_of(const config::Config& config) {
  const config::Limits& limits = config.limits;
  channel::Geometry geometry;
  geometry.edge_threads = static_cast<u32>(config.edge_threads);
  // What the queue may hold, and some that only requests of high priority may have.
  constexpr u32 for_high_priority = 64;
  geometry.slots = static_cast<u32>(limits.queue) + for_high_priority * geometry.edge_threads;
  // WebSockets have slots of their own, one more for each thread: equal shares are rounded up.
  geometry.slots += static_cast<u32>(limits.websockets) + geometry.edge_threads;
  // Target, decoded path and query, fields with their lengths, a small body; and some room for
  // addresses.
  const i64 bytes = 2 * limits.request_target_bytes + limits.request_header_bytes +
                    16 * i64{limits.request_fields} + limits.body_memory_bytes + 2048;
  const i64 page = 4096;
  geometry.request_bytes =
      std::max(geometry.request_bytes, static_cast<u32>((bytes + page - 1) / page * page));
  return geometry;
}

void print_ready(const std::vector<std::string>& urls, const std::vector<std::string>& admin) {
  std::string text;
  for (const std::string& url : urls) text += "ready " + url + "\n";
  for (const std::string& url : admin) text += "admin " + url + "\n";
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

Result<supervisor::Recipe> recipe_of() {
  const auto program = program_path();
  if (!program) return tl::unexpected(program.error());
  const auto python = python_directory();
  if (!python) return tl::unexpected(python.error());
  supervisor::Recipe recipe;
  recipe.edge = {{*program, "edge", "--control"}, config::worker_environment({})};
  recipe.zygote = [code = bootstrap(*python)](const config::App& app) {
    return supervisor::Command{{app.python, "-c", code}, config::worker_environment(app)};
  };
  recipe.create_channel = [](const config::App&, const config::Config& config) {
    return channel::create_channel(geometry_of(config));
  };
  recipe.channel_endpoints = channel::endpoints_max;
  recipe.on_ready = print_ready;
  return recipe;
}

Result<config::Config> configuration(const config::CommandLine& line) {
  std::error_code error;
  const std::string directory = std::filesystem::current_path(error).string();
  if (error) return fail("the current directory cannot be read: " + error.message());
  auto config = config::read_config(line, {directory, cpu_count()});
  if (!config) return config;
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value == nullptr ? "" : value);
  };
  const Status status =
      config::find_interpreters(*config, {variable("VIRTUAL_ENV"), variable("PATH")});
  if (!status) return tl::unexpected(status.error());
  // The edge would find out as well, but only when everything else has started.
  const auto certificates = edge::check_tls(config->tls);
  if (!certificates) return tl::unexpected(certificates.error());
  return config;
}

// The control socket, unless the user wants none. That it cannot be made is the supervisor's to
// say.
supervisor::Control control_of(const config::Config& config, const config::CommandLine& line) {
  supervisor::Control control;
  std::error_code error;
  control.directory = std::filesystem::current_path(error).string();
  control.version = LABCOAT_VERSION;
  const auto file = config::find_config_file(line, {control.directory, 1});
  if (file) control.config_file = *file;
  if (config.control == "off") return control;
  control.is_required = !config.control.empty();
  if (control.is_required) {
    control.path = config.control;
  } else if (const auto path = default_control_path(getpid()); path) {
    control.path = *path;
  } else {
    spdlog::warn("there will be no control socket: {}", path.error().text);
  }
  return control;
}

void log_to_stderr() {
  auto logger = std::make_shared<spdlog::logger>("labcoat",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e labcoat %l: %v");
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace

int serve_command(int argc, char** argv) {
  const auto words = parse_serve_words(argc, argv);
  if (!words) return usage_error("serve", words.error().text);
  if (words->help || words->print_options_doc) {
    std::fputs((words->help ? serve_help() : options_doc()).c_str(), stdout);
    return exit_ok;
  }
  log_to_stderr();
  if (!words->explain.url.empty()) return explain_route(words->line, words->explain);
  auto config = configuration(words->line);
  if (!config) return usage_error("serve", config.error().text);
  auto recipe = recipe_of();
  if (!recipe) return usage_error("serve", recipe.error().text);
  if (words->check) return check_apps(*config, *recipe);
  recipe->read_again = [line = words->line]() -> Result<config::Config> {
    auto again = configuration(line);
    if (!again) return again;
    // What the edge would find out as well, but when it is too late to keep the old ones.
    const auto router = routes::Router::build(*again, http::MimeTypes());
    if (!router) return tl::unexpected(router.error());
    return again;
  };
  if (const char* const root = std::getenv("LABCOAT_CGROUP_ROOT")) recipe->cgroup_root = root;
  recipe->watch_sources = words->reload;
  recipe->control = control_of(*config, words->line);
  auto supervisor = supervisor::Supervisor::create(std::move(*config), std::move(*recipe));
  if (!supervisor) return usage_error("serve", supervisor.error().text);
  return (*supervisor)->run();
}

}  // namespace labcoat
