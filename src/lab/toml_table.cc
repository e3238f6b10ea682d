#include "lab/toml_table.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"

namespace labcoat {

Result<toml::table> parse_toml(std::string_view text, const std::string& path) {
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return fail(fmt::format("{}:{}: {}", path, error.source().begin.line, error.description()));
  }
}

Result<toml::table> parse_toml_file(const std::string& path) {
  auto text = read_file(path);
  if (!text) return tl::unexpected(text.error());
  return parse_toml(*text, path);
}

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* whole = node.as_integer()) return std::to_string(whole->get());
  if (const auto* real = node.as_floating_point()) return fmt::format("{}", real->get());
  if (const auto* boolean = node.as_boolean()) return std::string(boolean->get() ? "on" : "off");
  return std::nullopt;
}

TomlTable::TomlTable(const toml::table& table, std::string file, std::string name)
    : table_(table), file_(std::move(file)), name_(std::move(name)) {}

std::string TomlTable::at(const toml::node& node) const {
  return fmt::format("{}:{}: ", file_, node.source().begin.line);
}

void TomlTable::reject(const toml::node& node, const std::string& sentence) {
  if (!wrong_) wrong_ = Error{at(node) + sentence};
}

void TomlTable::reject_whole(const std::string& sentence) {
  if (!wrong_as_a_whole_) wrong_as_a_whole_ = Error{at(table_) + sentence};
}

const toml::node* TomlTable::find(std::string_view key) {
  known_.emplace_back(key);
  return table_.get(key);
}

std::string TomlTable::text(std::string_view key, std::string fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  if (const auto* text = node->as_string()) return text->get();
  reject(*node, fmt::format("'{}' must be a text in quotes", key));
  return fallback;
}

std::string TomlTable::scalar(std::string_view key, std::string fallback) {
  const toml::node* node = find(key);
  if (node == nullptr) return fallback;
  if (auto text = scalar_text(*node)) return *text;
  reject(*node, fmt::format("'{}' must be a text, a number, true or false", key));
  return fallback;
}

std::vector<std::string> TomlTable::texts(std::string_view key) {
  std::vector<std::string> out;
  const toml::node* node = find(key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    reject(*node, fmt::format("'{}' must be an array of texts, like [\"a\", \"b\"]", key));
    return out;
  }
  for (const toml::node& element : *array) {
    if (const auto* text = element.as_string()) {
      out.push_back(text->get());
    } else {
      reject(element, fmt::format("every element of '{}' must be a text in quotes", key));
    }
  }
  return out;
}

std::vector<std::string> TomlTable::scalars(std::string_view key) {
  std::vector<std::string> out;
  const toml::node* node = find(key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    reject(*node, fmt::format("'{}' must be an array, like [1, 2, 4]", key));
    return out;
  }
  for (const toml::node& element : *array) {
    if (auto text = scalar_text(element)) {
      out.push_back(*text);
    } else {
      reject(element, fmt::format("every element of '{}' must be a text or a number", key));
    }
  }
  return out;
}

std::optional<double> TomlTable::number(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return std::nullopt;
  if (const auto* whole = node->as_integer()) return static_cast<double>(whole->get());
  if (const auto* real = node->as_floating_point()) return real->get();
  reject(*node, fmt::format("'{}' must be a number", key));
  return std::nullopt;
}

std::string TomlTable::one_of(std::string_view key, const std::vector<std::string>& words,
                              std::string fallback) {
  const std::string word = text(key, fallback);
  if (std::find(words.begin(), words.end(), word) != words.end()) return word;
  reject(*table_.get(key),
         fmt::format("'{}' is '{}', but must be one of {}", key, word, fmt::join(words, ", ")));
  return fallback;
}

const toml::table* TomlTable::table(std::string_view key) {
  const toml::node* node = find(key);
  if (node == nullptr) return nullptr;
  if (node->as_table() == nullptr) reject(*node, fmt::format("'{}' must be a table", key));
  return node->as_table();
}

std::vector<const toml::table*> TomlTable::tables(std::string_view key) {
  std::vector<const toml::table*> out;
  const toml::node* node = find(key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr || !array->is_homogeneous(toml::node_type::table)) {
    reject(*node, fmt::format("'{0}' must be written as [[{0}]] tables", key));
    return out;
  }
  for (const toml::node& element : *array) out.push_back(element.as_table());
  return out;
}

void TomlTable::adopt(const Status& status) {
  if (!status && !wrong_) wrong_ = status.error();
}

Status TomlTable::done() {
  if (wrong_) return tl::unexpected(*wrong_);
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& [key, node] : table_) {
    const std::string_view word = key.str();
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    std::string sentence = fmt::format("{}{} is not a key{}", at(node), word,
                                       name_.empty() ? " here" : " of " + name_);
    const std::string_view nearest = nearest_word(word, known);
    if (!nearest.empty()) {
      sentence += fmt::format("; did you mean '{}'?", nearest);
    } else {
      sentence += fmt::format("; known are {}", fmt::join(known, ", "));
    }
    return fail(sentence);
  }
  if (wrong_as_a_whole_) return tl::unexpected(*wrong_as_a_whole_);
  return {};
}

}  // namespace labcoat
