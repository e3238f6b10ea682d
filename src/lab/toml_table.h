// TomlTable reads one table of a file that a person wrote, and leaves no key unread: a typo is an
// error with file, line and the key that was probably meant, never a setting silently ignored.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <toml++/toml.h>
#include <vector>

#include "base/result.h"

namespace labcoat {

// Reads `path`, or `text` as if it stood there. Syntax errors name file and line.
Result<toml::table> parse_toml_file(const std::string& path);
Result<toml::table> parse_toml(std::string_view text, const std::string& path);

// Not thread-safe. The table outlives it. The first thing found wrong is remembered and comes out
// of done(); the getters then return their fallback, so that a reader is a plain list of lines.
class TomlTable {
 public:
  // `name` is how messages call the table: "[study]", or "" for the top of the file.
  TomlTable(const toml::table& table, std::string file, std::string name);

  // "file:line: " in front of a sentence about this node.
  std::string at(const toml::node& node) const;
  void reject(const toml::node& node, const std::string& sentence);
  // The table as a whole is wrong, for instance a key is missing. Comes after what is wrong with
  // single keys: a typo explains a missing key better.
  void reject_whole(const std::string& sentence);

  const toml::node* find(std::string_view key);  // nullptr when absent
  std::string text(std::string_view key, std::string fallback = "");
  // A text, number or boolean, as a person would write it: what a knob's value may be.
  std::string scalar(std::string_view key, std::string fallback = "");
  std::vector<std::string> texts(std::string_view key);    // array of texts
  std::vector<std::string> scalars(std::string_view key);  // array of texts, numbers or booleans
  std::optional<double> number(std::string_view key);
  std::string one_of(std::string_view key, const std::vector<std::string>& words,
                     std::string fallback);
  const toml::table* table(std::string_view key);
  std::vector<const toml::table*> tables(std::string_view key);  // [[key]]

  // Takes over what another reader of the same file found wrong.
  void adopt(const Status& status);

  // The first thing found wrong: a key nobody asked for counts.
  Status done();

 private:
  const toml::table& table_;
  std::string file_;
  std::string name_;
  std::vector<std::string> known_;
  std::optional<Error> wrong_;
  std::optional<Error> wrong_as_a_whole_;
};

// As a person would write it; nullopt for tables, arrays and dates.
std::optional<std::string> scalar_text(const toml::node& node);

}  // namespace labcoat
