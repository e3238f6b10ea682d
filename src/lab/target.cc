#include "lab/target.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

#include "base/text.h"
#include "lab/toml_table.h"

namespace labcoat {
namespace {

namespace fs = std::filesystem;

struct NamedSignal {
  const char* name;
  int number;
};
constexpr NamedSignal signals[] = {{"TERM", SIGTERM}, {"INT", SIGINT},    {"QUIT", SIGQUIT},
                                   {"HUP", SIGHUP},   {"USR1", SIGUSR1},  {"USR2", SIGUSR2},
                                   {"KILL", SIGKILL}, {"WINCH", SIGWINCH}};

constexpr const char* placeholder_names[] = {"port",    "dir",     "app",  "app_dir", "config",
                                             "program", "seconds", "name", "value",   "python"};

// Reads the parts of one target.toml; what is wrong collects in `top`.
class Reader {
 public:
  Reader(const toml::table& table, std::string file, std::string folder)
      : table_(table), file_(std::move(file)), folder_(std::move(folder)), top_(table, file_, "") {}

  Result<Target> read(const std::vector<Knob>& own_knobs);

 private:
  ArgvTemplate argv(TomlTable& table, std::string_view key);
  void add_word(TomlTable& table, const toml::node& node, ArgvTemplate& out);
  StopOrReload stop_or_reload(std::string_view key, int fallback);
  void read_ready(Ready& ready);
  void read_workload(Workload& workload);
  void read_files(std::vector<TargetFile>& files);
  void read_environment(Target& target);
  void read_order(Target& target);
  void read_needs(Target& target);
  void read_texts(Target& target);
  void read_knobs(Target& target, const std::vector<Knob>& own_knobs);
  Knob read_knob(const toml::table& table);
  void check_placeholders(const Target& target);

  const toml::table& table_;
  std::string file_;
  std::string folder_;
  TomlTable top_;
};

void Reader::add_word(TomlTable& table, const toml::node& node, ArgvTemplate& out) {
  if (const auto* text = node.as_string()) {
    out.push_back({{text->get()}, false});
    return;
  }
  ArgvWord group{{}, true};
  if (const toml::array* members = node.as_array()) {
    for (const toml::node& member : *members) {
      if (const auto* text = member.as_string()) group.texts.push_back(text->get());
    }
    if (group.texts.size() == members->size()) {
      out.push_back(group);
      return;
    }
  }
  table.reject(node, "a word of a command is a text in quotes, or an array of texts as a group");
}

ArgvTemplate Reader::argv(TomlTable& table, std::string_view key) {
  ArgvTemplate out;
  const toml::node* node = table.find(key);
  if (node == nullptr) return out;
  const toml::array* words = node->as_array();
  if (words == nullptr || words->empty()) {
    table.reject(*node, fmt::format("'{}' is a command: [\"program\", \"argument\", …]", key));
    return out;
  }
  for (const toml::node& word : *words) add_word(table, word, out);
  return out;
}

StopOrReload Reader::stop_or_reload(std::string_view key, int fallback) {
  StopOrReload out;
  const toml::node* node = table_.get(key);
  if (node == nullptr || node->is_array()) {
    out.argv = argv(top_, key);
    if (out.argv.empty()) out.signal = fallback;
    return out;
  }
  const std::string word = top_.text(key);
  for (const NamedSignal& signal : signals) {
    if (word == signal.name) out.signal = signal.number;
  }
  if (out.signal == 0) {
    top_.reject(*node,
                fmt::format("'{}' is '{}', but must be a signal (TERM, INT, QUIT, HUP, USR1, "
                            "USR2, KILL, WINCH) or a command",
                            key, word));
  }
  return out;
}

void Reader::read_ready(Ready& ready) {
  const toml::table* node = top_.table("ready");
  if (node == nullptr) return;
  TomlTable table(*node, file_, "'ready'");
  const std::string path = table.text("http");
  ready.argv = argv(table, "exec");
  const std::string tcp = table.scalar("tcp");
  if (int{!path.empty()} + int{!ready.argv.empty()} + int{!tcp.empty()} != 1) {
    table.reject_whole("'ready' needs exactly one of http, tcp and exec");
  }
  if (!path.empty()) ready.kind = Ready::Kind::http;
  if (!ready.argv.empty()) ready.kind = Ready::Kind::exec;
  ready.path = path;
  if (const std::string timeout = table.scalar("timeout"); !timeout.empty()) {
    auto duration = parse_duration(timeout);
    if (!duration) table.reject_whole("'timeout' of 'ready': " + duration.error().text);
    ready.timeout_ns = duration.value_or(10 * seconds);
  }
  top_.adopt(table.done());
}

void Reader::read_workload(Workload& workload) {
  const toml::table* node = top_.table("workload");
  if (node == nullptr) return;
  TomlTable table(*node, file_, "'workload'");
  workload.http_path = table.text("http", workload.http_path);
  workload.exec = argv(table, "exec");
  workload.metric = table.text("metric");
  if (workload.exec.empty() != workload.metric.empty()) {
    table.reject_whole("'workload' needs exec and metric together, or http alone");
  }
  top_.adopt(table.done());
}

void Reader::read_files(std::vector<TargetFile>& files) {
  for (const toml::table* node : top_.tables("file")) {
    TomlTable table(*node, file_, "[[file]]");
    TargetFile file;
    file.path = table.text("path");
    const std::string name = table.text("template");
    if (file.path.empty() || name.empty()) table.reject_whole("a [[file]] needs path and template");
    auto text = read_file(folder_ + "/" + name);
    if (!text) {
      table.reject_whole(text.error().text);
    } else {
      file.template_text = *text;
    }
    top_.adopt(table.done());
    files.push_back(file);
  }
}

void Reader::read_environment(Target& target) {
  const toml::table* node = top_.table("env");
  if (node == nullptr) return;
  for (const auto& [key, value] : *node) {
    const auto text = scalar_text(value);
    if (!text) top_.reject(value, "an environment variable is a text");
    target.environment.emplace_back(key.str(), text.value_or(""));
  }
}

void Reader::read_order(Target& target) {
  const toml::table* node = top_.table("order");
  if (node == nullptr) return;
  TomlTable table(*node, file_, "[order]");
  target.first_when_cpu = table.texts("cpu");
  target.first_when_waiting = table.texts("waiting");
  target.first_when_failing = table.texts("failing");
  for (const auto& names :
       {target.first_when_cpu, target.first_when_waiting, target.first_when_failing}) {
    for (const std::string& name : names) {
      const bool known = std::any_of(target.knobs.begin(), target.knobs.end(),
                                     [&](const Knob& knob) { return knob.name == name; });
      if (!known && !target.own_options) {
        table.reject_whole(fmt::format("[order] names '{}', but there is no such [[knob]]", name));
      }
    }
  }
  top_.adopt(table.done());
}

// [needs.log_sync]  log = "file": a question about log_sync also sets log, where that stands at its
// default.
void Reader::read_needs(Target& target) {
  const toml::table* node = top_.table("needs");
  if (node == nullptr) return;
  for (const auto& [knob, needed] : *node) {
    const toml::table* table = needed.as_table();
    if (table == nullptr) {
      top_.reject(needed, "[needs.KNOB] is a table: OTHER_KNOB = \"value\"");
      continue;
    }
    for (const auto& [name, value] : *table) {
      target.needs.push_back(
          {std::string(knob.str()), std::string(name.str()), scalar_text(value).value_or("")});
    }
  }
}

// [text.KNOB]  value = "what the server is told instead"; "*" stands for every other value.
void Reader::read_texts(Target& target) {
  const toml::table* node = top_.table("text");
  if (node == nullptr) return;
  for (const auto& [name, texts] : *node) {
    const auto knob =
        std::find_if(target.knobs.begin(), target.knobs.end(),
                     [word = name.str()](const Knob& one) { return one.name == word; });
    const toml::table* table = texts.as_table();
    if (table == nullptr) {
      top_.reject(texts, "[text.KNOB] is a table: value = \"what the server is told\"");
      continue;
    }
    if (knob == target.knobs.end()) continue;
    for (const auto& [value, shown] : *table) {
      knob->text.emplace(value.str(), scalar_text(shown).value_or(""));
    }
  }
}

Knob Reader::read_knob(const toml::table& node) {
  TomlTable table(node, file_, "[[knob]]");
  Knob knob;
  knob.name = table.text("name");
  const std::string type =
      table.one_of("type", {"int", "real", "bool", "enum", "size", "duration"}, "enum");
  knob.type = type == "int"    ? KnobType::integer
              : type == "real" ? KnobType::real
              : type == "bool" ? KnobType::boolean
              : type == "size" ? KnobType::size
              : type == "enum" ? KnobType::choice
                               : KnobType::duration;
  knob.default_value = table.scalar("default");
  knob.special = table.scalars("special");
  knob.choices = table.scalars("values");
  knob.levels = table.scalars("levels");
  const auto min = table.number("min");
  const auto max = table.number("max");
  if (min || max) {
    knob.min = min.value_or(0);
    knob.max = max.value_or(1e18);
    if (knob.min > knob.max) table.reject_whole("min is above max");
  }
  knob.log_scale = table.one_of("scale", {"log", "linear"}, "linear") == "log";
  knob.scope = table.one_of("scope", {"restart", "reload"}, "restart") == "reload"
                   ? OptionScope::reload
                   : OptionScope::restart;
  knob.group = table.text("group");
  knob.why = table.text("why");
  knob.expect = table.one_of("expect", {"up", "down", ""}, "");
  const std::string risk =
      table.one_of("risk", {"none", "memory", "durability", "security", "semantics"}, "none");
  for (KnobRisk one :
       {KnobRisk::memory, KnobRisk::durability, KnobRisk::security, KnobRisk::semantics}) {
    if (risk_name(one) == risk) knob.risk = one;
  }
  if (const toml::table* text = table.table("text")) {
    for (const auto& [value, shown] : *text) {
      knob.text.emplace(value.str(), scalar_text(shown).value_or(""));
    }
  }
  if (knob.name.empty()) table.reject_whole("a [[knob]] needs a name");
  if (node.get("default") == nullptr) table.reject_whole("a [[knob]] needs a default");
  if (knob.why.empty())
    table.reject_whole("a [[knob]] needs its 'why': how it may help, in one sentence");
  if (knob.type == KnobType::choice && knob.choices.empty()) {
    table.reject_whole("a [[knob]] of type enum needs its values = […]");
  }
  for (const std::string& level : knob.levels) {
    Knob bare = knob;
    bare.levels.clear();
    if (auto valid = check_knob_value(bare, level); !valid) {
      table.reject_whole(fmt::format("level {} of knob '{}'", valid.error().text, knob.name));
    }
  }
  top_.adopt(table.done());
  return knob;
}

void Reader::read_knobs(Target& target, const std::vector<Knob>& own_knobs) {
  const toml::node* options = top_.find("knobs");
  if (options != nullptr) {
    if (top_.text("knobs") != "options") {
      top_.reject(*options, "'knobs' can only be \"options\": labcoat's own settings");
    }
    target.own_options = true;
    target.knobs = own_knobs;
  }
  for (const toml::table* node : top_.tables("knob")) target.knobs.push_back(read_knob(*node));
  for (size_t i = 0; i < target.knobs.size(); ++i) {
    for (size_t j = 0; j < i; ++j) {
      if (target.knobs[i].name == target.knobs[j].name) {
        top_.reject_whole(fmt::format("there are two knobs called '{}'", target.knobs[i].name));
      }
    }
  }
}

// A placeholder that nobody fills would reach the server as text; better to say so here.
void Reader::check_placeholders(const Target& target) {
  std::vector<std::string> known(std::begin(placeholder_names), std::end(placeholder_names));
  for (const Knob& knob : target.knobs) known.push_back("knob." + knob.name);
  const std::vector<std::string_view> words(known.begin(), known.end());
  const auto check = [&](const std::string& text, bool in_file) {
    for (const std::string& name : placeholders_in(text)) {
      if (std::find(known.begin(), known.end(), name) != known.end()) continue;
      if (in_file && !name.starts_with("knob.")) continue;
      const std::string_view nearest = nearest_word(name, words);
      top_.reject_whole(
          fmt::format("nothing fills {{{}}}{}", name,
                      nearest.empty() ? "" : fmt::format("; did you mean {{{}}}?", nearest)));
    }
  };
  for (const ArgvTemplate* argv :
       {&target.start, &target.validate, &target.stop.argv, &target.reload.argv, &target.ready.argv,
        &target.workload.exec}) {
    for (const ArgvWord& word : *argv) {
      for (const std::string& text : word.texts) check(text, false);
    }
  }
  for (const TargetFile& file : target.files) check(file.template_text, true);
}

Result<Target> Reader::read(const std::vector<Knob>& own_knobs) {
  Target target;
  target.folder = folder_;
  target.name = top_.text("name");
  target.start = argv(top_, "start");
  target.run_in = top_.text("run_in", "{dir}");
  target.validate = argv(top_, "validate");
  target.reload = stop_or_reload("reload", 0);
  target.stop = stop_or_reload("stop", SIGTERM);
  read_ready(target.ready);
  read_workload(target.workload);
  read_files(target.files);
  read_environment(target);
  read_knobs(target, own_knobs);
  read_order(target);
  read_needs(target);
  read_texts(target);
  if (target.name.empty()) top_.reject_whole("a target needs a name");
  if (target.start.empty()) top_.reject_whole("a target needs 'start', the server's command line");
  if (target.knobs.empty()) top_.reject_whole("a target needs at least one [[knob]]");
  check_placeholders(target);
  if (auto status = top_.done(); !status) return tl::unexpected(status.error());
  return target;
}

std::vector<std::string> target_roots() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  return {(program / "targets").string(), (program / "../share/labcoat/targets").string(),
          (program / "../../targets").string()};
}

}  // namespace

Result<Target> read_target(const std::string& folder, const std::vector<Knob>& own_knobs) {
  const std::string path = folder + "/target.toml";
  auto table = parse_toml_file(path);
  if (!table) return tl::unexpected(table.error());
  return Reader(*table, path, folder).read(own_knobs);
}

Result<std::string> find_target(const std::string& word) {
  if (word.find('/') != std::string::npos || fs::exists(word + "/target.toml")) {
    if (fs::exists(word + "/target.toml")) return fs::absolute(word).lexically_normal().string();
    return fail(fmt::format("there is no target in {}: it has no target.toml", word));
  }
  std::vector<std::string> names;
  for (const std::string& root : target_roots()) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root, error)) {
      if (!fs::exists(entry.path() / "target.toml")) continue;
      const std::string name = entry.path().filename().string();
      if (name == word) return fs::canonical(entry.path()).string();
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return fail(
      fmt::format("there is no target '{}'; known are {}, or give a folder with a "
                  "target.toml",
                  word, names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
}

}  // namespace labcoat
