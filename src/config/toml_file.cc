#include "config/toml_file.h"

#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <toml++/toml.h>

#include "base/text.h"
#include "config/options.h"
#include "config/route_toml.h"
#include "config/toml_words.h"

namespace labcoat::config {
namespace {

// The value as a user would write it after --set, if it has a TOML type that this option takes.
std::optional<std::string> text_of(const toml::node& node, const Option& option) {
  const auto integer = node.value_exact<i64>();
  const auto real = node.value_exact<double>();
  const auto boolean = node.value_exact<bool>();
  const auto string = node.value_exact<std::string>();
  // A word may be a special one, or its typo, which is told as such; a number in quotes is not a
  // number.
  const bool is_word = string && !parse_real(*string);
  switch (option.type) {
    case OptionType::integer:
      if (integer) return std::to_string(*integer);
      return is_word ? string : std::nullopt;
    case OptionType::real:
      if (integer) return std::to_string(*integer);
      if (real) return fmt::format("{}", *real);
      return is_word ? string : std::nullopt;
    case OptionType::boolean:
      if (boolean) return *boolean ? "on" : "off";
      return string;
    case OptionType::size:
      return integer ? std::to_string(*integer) : string;
    case OptionType::duration:
      if (integer) return std::to_string(*integer);
      return real ? fmt::format("{}", *real) : string;
    case OptionType::choice:
    case OptionType::text:
      return string;
  }
  return std::nullopt;
}

class TomlReader {
 public:
  TomlReader(std::string path, std::string directory) : path_(std::move(path)) {
    out_.directory = std::move(directory);
  }

  Status read(const toml::table& root) {
    for (const auto& [key, node] : root) {
      const Status status = read_top(key.str(), node);
      if (!status) return status;
    }
    auto routes = read_route_tables(path_, root);
    if (!routes) return tl::unexpected(routes.error());
    out_.routes = std::move(*routes);
    return {};
  }

  Settings take() { return std::move(out_); }

 private:
  std::string where(const toml::node& node) const { return place_of(path_, node); }

  tl::unexpected<Error> wrong_type(const toml::node& node, std::string_view key,
                                   std::string_view expected) const {
    return config::wrong_type(path_, node, key, expected);
  }

  Status read_top(std::string_view key, const toml::node& node) {
    if (key == "server") return read_section("server", "server", node);
    if (key == "limits") return read_section("limits", "limits", node);
    if (key == "admin") return read_admin(node);
    if (key == "tls") return read_tls(node);
    if (key == "app") return read_apps(node);
    if (key == "route" || key == "site") return {};  // read together, in their order in the file
    return fail_at(where(node),
                   unknown_key("the configuration", key,
                               {"server", "limits", "tls", "admin", "app", "route", "site"}));
  }

  // `section` is the options' name of it, `shown` the user's: "app" and "app.shop".
  Status read_section(std::string_view section, const std::string& shown, const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong_type(node, shown, "a table, [" + shown + "]");
    for (const auto& [key, value] : *table) {
      if (section == "tls" && key.str() == "certificate") continue;  // read_tls
      const Option* option = find_option(section, key.str());
      if (option == nullptr) {
        return fail_at(where(value),
                       unknown_key("[" + shown + "]", key.str(), option_names(section)));
      }
      const Status status = read_value(*option, shown, value);
      if (!status) return status;
    }
    return {};
  }

  Status read_value(const Option& option, const std::string& shown, const toml::node& node) {
    const std::string_view name = option.name;
    const std::string key = fmt::format("{}.{}", shown, name);
    if (name == "listen") return read_listen(node, key, out_.listen);
    if (name == "environment") return read_environment(node, key);
    const auto text = text_of(node, option);
    if (!text) return wrong_type(node, key, describe_values(option));
    Setting setting{shown, &option, {*text, where(node)}};
    Status status = check_setting(option, setting.text);
    if (status) out_.values.push_back(std::move(setting));
    return status;
  }

  Status read_listen(const toml::node& node, std::string_view key, std::vector<Text>& out) {
    const bool urls = key.ends_with(".listen");
    const char* const expected =
        urls ? "a URL or a list of URLs in quotes" : "text or a list of texts in quotes";
    if (const auto one = node.value_exact<std::string>()) {
      out.push_back({*one, where(node)});
      return {};
    }
    const toml::array* list = node.as_array();
    if (list == nullptr) return wrong_type(node, key, expected);
    if (list->empty()) return fail_at(where(node), fmt::format("{} is an empty list", key));
    for (const toml::node& element : *list) {
      const auto url = element.value_exact<std::string>();
      if (!url) return wrong_type(element, key, expected);
      out.push_back({*url, where(element)});
    }
    return {};
  }

  Status read_environment(const toml::node& node, std::string_view key) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong_type(node, key, "a table such as { NAME = \"value\" }");
    for (const auto& [name, value] : *table) {
      const auto text = value.value_exact<std::string>();
      if (!text) return wrong_type(value, fmt::format("{}.{}", key, name.str()), "text in quotes");
      out_.apps.back().environment.emplace(name.str(), *text);
    }
    return {};
  }

  Status read_admin(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong_type(node, "admin", "a table, [admin]");
    for (const auto& [key, value] : *table) {
      if (key.str() != "listen") {
        return fail_at(where(value), unknown_key("[admin]", key.str(), {"listen"}));
      }
      const Status status = read_listen(value, "admin.listen", out_.admin);
      if (!status) return status;
    }
    return {};
  }

  // Options, and below them the certificates: [[tls.certificate]].
  Status read_tls(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) {
      return wrong_type(node, "tls", "a table, [tls], with [[tls.certificate]] below it");
    }
    if (const Status status = read_section("tls", "tls", node); !status) return status;
    const toml::node* certificates = table->get("certificate");
    if (certificates == nullptr) return {};
    const toml::array* list = certificates->as_array();
    if (list == nullptr) {
      return wrong_type(*certificates, "tls.certificate",
                        "a table for each certificate, [[tls.certificate]]");
    }
    for (const toml::node& element : *list) {
      if (const Status status = read_certificate(element); !status) return status;
    }
    return {};
  }

  Status read_certificate(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong_type(node, "tls.certificate", "a table");
    CertificateTable certificate;
    certificate.where = where(node);
    for (const auto& [key, value] : *table) {
      const std::string shown = fmt::format("tls.certificate.{}", key.str());
      if (key.str() == "hosts") {
        const Status status = read_listen(value, shown, certificate.hosts);
        if (!status) return status;
        continue;
      }
      Text* field = key.str() == "file"  ? &certificate.file
                    : key.str() == "key" ? &certificate.key
                                         : nullptr;
      if (field == nullptr) {
        return fail_at(where(value),
                       unknown_key("[[tls.certificate]]", key.str(), {"file", "key", "hosts"}));
      }
      const auto text = value.value_exact<std::string>();
      if (!text) return wrong_type(value, shown, "text in quotes");
      *field = {*text, where(value)};
    }
    if (certificate.file.value.empty()) {
      return fail_at(certificate.where, "this [[tls.certificate]] names no file");
    }
    out_.certificates.push_back(std::move(certificate));
    return {};
  }

  Status read_apps(const toml::node& node) {
    const toml::table* table = node.as_table();
    if (table == nullptr) return wrong_type(node, "app", "a table for each app, [app.NAME]");
    for (const auto& [key, value] : *table) {
      const std::string name(key.str());
      if (!value.is_table()) {
        return fail_at(where(value),
                       fmt::format("app.{} is {}; expected a table for each app: [app.NAME] "
                                   "with {} below it",
                                   name, type_word(value), name));
      }
      if (name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789_-") != name.npos) {
        return fail_at(where(value), fmt::format("'{}' cannot be the name of an app; expected "
                                                 "letters, digits, - and _",
                                                 name));
      }
      out_.apps.push_back({name, where(value), {}});
      const Status status = read_section("app", "app." + name, value);
      if (!status) return status;
    }
    return {};
  }

  std::string path_;
  Settings out_;
};

Result<toml::table> parse(const std::string& shown, const std::string& path) {
  auto text = read_file(path, i64{1} << 20);
  if (!text) return tl::unexpected(text.error());
  try {
    return toml::parse(*text);
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    return fail(fmt::format("{}:{}:{}: this is not TOML: {}", shown, at.line, at.column,
                            error.description()));
  }
}

const toml::node* labcoat_table(const toml::table& root) {
  const toml::table* tool = root["tool"].as_table();
  return tool == nullptr ? nullptr : tool->get("labcoat");
}

bool is_pyproject(const std::string& path) {
  return path == "pyproject.toml" || path.ends_with("/pyproject.toml");
}

}  // namespace

Result<Settings> read_toml_file(const std::string& shown, const std::string& path) {
  const auto root = parse(shown, path);
  if (!root) return tl::unexpected(root.error());
  const toml::table* table = &*root;
  if (is_pyproject(path)) {
    const toml::node* node = labcoat_table(*root);
    if (node == nullptr) return fail_at(shown, "there is no table [tool.labcoat] in this file");
    table = node->as_table();
    if (table == nullptr) return fail_at(shown, "tool.labcoat is not a table");
  }
  TomlReader reader(shown, std::filesystem::path(path).parent_path().string());
  const Status status = reader.read(*table);
  if (!status) return tl::unexpected(status.error());
  return reader.take();
}

Result<bool> has_labcoat_table(const std::string& path) {
  const auto root = parse(path, path);
  if (!root) return tl::unexpected(root.error());
  return labcoat_table(*root) != nullptr;
}

}  // namespace labcoat::config
