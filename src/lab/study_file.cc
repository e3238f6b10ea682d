#include "lab/study_file.h"

#include <filesystem>
#include <fmt/format.h>

#include "base/text.h"
#include "lab/toml_table.h"

namespace labcoat {
namespace {

namespace fs = std::filesystem;

constexpr i64 budget_least_ns = 10 * seconds;
constexpr int connections_max = 10'000;

// Reads one value with a parser of the laboratory and puts file and line in front of what it finds
// wrong.
template <class Parser>
auto parsed(TomlTable& table, std::string_view key, Parser parser) {
  const std::string text = table.scalar(key);
  auto value = parser(text);
  if (!text.empty() && !value) table.reject(*table.find(key), value.error().text);
  return text.empty() || !value ? std::nullopt : std::make_optional(*value);
}

LoadUrl read_url(const toml::table& node, const std::string& file, TomlTable& above) {
  TomlTable table(node, file, "[[load.url]]");
  LoadUrl url;
  url.path = table.text("path", "/");
  if (!url.path.starts_with('/')) table.reject(*table.find("path"), "'path' must begin with '/'");
  url.weight = table.number("weight").value_or(1);
  if (url.weight <= 0) table.reject(*table.find("weight"), "'weight' must be above 0");
  url.body = table.text("body");
  url.method = table.text("method", url.body.empty() ? "GET" : "POST");
  if (const toml::table* headers = table.table("headers")) {
    for (const auto& [name, value] : *headers) {
      const auto text = scalar_text(value);
      if (!text) table.reject(value, "the value of a header is a text");
      url.headers.emplace_back(name.str(), text.value_or(""));
    }
  }
  above.adopt(table.done());
  return url;
}

void read_load(TomlTable& top, const std::string& file, Load& load) {
  const toml::table* node = top.table("load");
  if (node == nullptr) return;
  TomlTable table(*node, file, "[load]");
  if (auto connections = table.number("connections")) {
    if (*connections < 1 || *connections > connections_max) {
      table.reject(*table.find("connections"),
                   fmt::format("'connections' must be from 1 to {}", connections_max));
    }
    load.connections = static_cast<int>(*connections);
  }
  if (auto rate = table.number("rate")) {
    if (*rate < 0) table.reject(*table.find("rate"), "'rate' must be 0 (full speed) or above");
    load.rate = *rate;
  }
  for (const toml::table* url : table.tables("url")) {
    load.urls.push_back(read_url(*url, file, table));
  }
  top.adopt(table.done());
}

void read_objective(TomlTable& study, StudyRequest& request) {
  const std::string maximize = study.text("maximize");
  const std::string minimize = study.text("minimize");
  if (!maximize.empty() && !minimize.empty()) {
    study.reject(*study.find("minimize"), "a study can maximize or minimize, not both");
  }
  request.direction_given = !maximize.empty() || !minimize.empty();
  request.minimize = !minimize.empty();
  request.metric = request.minimize ? minimize : maximize;
  if (!request.direction_given) return;
  const char* key = request.minimize ? "minimize" : "maximize";
  if (auto metric = find_metric(request.metric); !metric) {
    study.reject(*study.find(key), metric.error().text);
  } else if (metric->more_is_better == request.minimize) {
    study.reject(*study.find(key), fmt::format("{} is better when it is {}", metric->name,
                                               metric->more_is_better ? "high" : "low"));
  }
}

void read_study(TomlTable& study, StudyRequest& request, const std::string& folder) {
  request.target = study.text("target", request.target);
  if (request.target.find('/') != std::string::npos) {
    request.target = (fs::path(folder) / request.target).lexically_normal().string();
  }
  request.python = study.text("python");
  for (const char* key : {"app", "config"}) {
    const std::string word = study.text(key);
    if (word.empty()) continue;
    if (auto status = take_application(request, word, folder); !status) {
      study.reject(*study.find(key), status.error().text);
    }
  }
  if (const std::string directory = study.text("directory"); !directory.empty()) {
    request.directory = (fs::path(folder) / directory).lexically_normal().string();
  }
  read_objective(study, request);
  for (const std::string& text : study.texts("guard")) {
    auto guard = parse_guard(text);
    if (!guard) study.reject(*study.find("guard"), guard.error().text);
    if (guard) request.guards.push_back(*guard);
  }
  request.margin = parsed(study, "margin", parse_margin).value_or(0);
  request.budget_ns = parsed(study, "budget", parse_budget).value_or(request.budget_ns);
  if (auto seed = study.number("seed")) request.seed = static_cast<u64>(*seed);
  request.knobs = study.texts("knobs");
}

}  // namespace

Result<double> parse_margin(const std::string& text) {
  auto margin = parse_share(text);
  if (!margin) return tl::unexpected(margin.error());
  if (*margin <= 0 || *margin >= 0.5) {
    return fail(fmt::format("the margin is {}, but must be above 0 % and below 50 %", text));
  }
  return *margin;
}

Result<i64> parse_budget(const std::string& text) {
  auto budget = parse_duration(text);
  if (!budget) return tl::unexpected(budget.error());
  if (*budget < budget_least_ns) {
    return fail(fmt::format("the budget is {}, but a study needs at least {}",
                            format_duration(*budget), format_duration(budget_least_ns)));
  }
  return *budget;
}

Status take_application(StudyRequest& request, const std::string& word,
                        const std::string& directory) {
  if (word.ends_with(".toml")) {
    const fs::path path = (fs::path(directory) / word).lexically_normal();
    if (!fs::exists(path)) return fail(fmt::format("there is no file {}", path.string()));
    request.config = path.string();
    request.directory = path.parent_path().string();
    return {};
  }
  const size_t colon = word.find(':');
  if (colon == std::string::npos || colon == 0 || colon + 1 == word.size()) {
    return fail(
        fmt::format("'{}' is no application: expected MODULE:CALLABLE, such as shop.wsgi:app, "
                    "or a labcoat.toml",
                    word));
  }
  request.callable = word;
  if (request.directory.empty()) request.directory = directory;
  return {};
}

Result<StudyRequest> read_study_file(const std::string& path) {
  auto root = parse_toml_file(path);
  if (!root) return tl::unexpected(root.error());
  const std::string folder = fs::absolute(path).parent_path().string();
  StudyRequest request;
  request.directory = folder;
  TomlTable top(*root, path, "");
  if (const toml::table* node = top.table("study")) {
    TomlTable study(*node, path, "[study]");
    read_study(study, request, folder);
    top.adopt(study.done());
  }
  read_load(top, path, request.load);
  if (const toml::table* node = top.table("baseline")) {
    for (const auto& [name, value] : *node) {
      const auto text = scalar_text(value);
      if (!text) top.reject(value, "the value of a knob is a text, a number, true or false");
      request.baseline[std::string(name.str())] = text.value_or("");
    }
  }
  if (auto status = top.done(); !status) return tl::unexpected(status.error());
  return request;
}

}  // namespace labcoat
