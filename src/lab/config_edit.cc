#include "lab/config_edit.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <vector>

#include "base/text.h"
#include "lab/toml_table.h"

namespace labcoat {
namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (std::string_view line : split(text, '\n')) lines.emplace_back(line);
  // A final newline ends the last line, it does not begin another.
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

std::string join(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out += line + "\n";
  return out;
}

const toml::table* find_table(const toml::table& root, std::string_view path) {
  const toml::table* table = &root;
  if (path.empty()) return table;
  for (std::string_view part : split(path, '.')) {
    const toml::node* node = table->get(part);
    if (node == nullptr || node->as_table() == nullptr) return nullptr;
    table = node->as_table();
  }
  return table;
}

// The first line (from 0) at or after `from` that begins another table; a line inside a multi-line
// text that looks like one is caught afterwards, because the result is parsed again.
size_t next_header(const std::vector<std::string>& lines, size_t from) {
  size_t i = from;
  while (i < lines.size() && !trim(lines[i]).starts_with("[")) ++i;
  return i;
}

// Whether the line is the header of exactly this table.
bool is_header(std::string_view line, std::string_view table) {
  line = trim(line);
  if (!line.starts_with("[") || line.starts_with("[[")) return false;
  const size_t close = line.find(']');
  return close != std::string_view::npos && trim(line.substr(1, close - 1)) == table;
}

// A comment behind a value stays where it is.
std::string comment_of(std::string_view line, size_t value_end) {
  const size_t hash = line.find('#', std::min(value_end, line.size()));
  return hash == std::string_view::npos ? "" : "  " + std::string(line.substr(hash));
}

Result<std::string> checked(std::string text, std::string_view table, std::string_view key) {
  auto parsed = parse_toml(text, "the edited configuration");
  const toml::table* found = parsed ? find_table(*parsed, table) : nullptr;
  if (found == nullptr || (!key.empty() && found->get(key) == nullptr)) {
    return fail(fmt::format("cannot set {} in [{}]: write the table with a [{}] header of its own",
                            key, table, table));
  }
  return text;
}

}  // namespace

Result<std::string> set_toml_value(std::string_view text, std::string_view table,
                                   std::string_view key, std::string_view literal) {
  auto root = parse_toml(text, "the configuration");
  if (!root) return tl::unexpected(root.error());
  std::vector<std::string> lines = lines_of(text);
  const std::string entry = fmt::format("{} = {}", key, literal);
  const toml::table* found = find_table(*root, table);
  if (found != nullptr && found->is_inline()) {
    return fail(fmt::format("[{}] is an inline table; write it with a [{}] header", table, table));
  }
  const toml::node* old = found == nullptr ? nullptr : found->get(key);
  if (old != nullptr) {
    const size_t first = old->source().begin.line - 1;
    const size_t last = old->source().end.line - 1;
    const size_t indent = lines[first].find_first_not_of(" \t");
    const std::string comment = comment_of(lines[last], old->source().end.column - 1);
    lines[first] = lines[first].substr(0, indent) + entry + comment;
    lines.erase(lines.begin() + static_cast<ptrdiff_t>(first) + 1,
                lines.begin() + static_cast<ptrdiff_t>(last) + 1);
    return checked(join(lines), table, key);
  }
  size_t header = 0;
  while (header < lines.size() && !is_header(lines[header], table)) ++header;
  if (table.empty()) {
    lines.insert(lines.begin() + static_cast<ptrdiff_t>(next_header(lines, 0)), entry);
  } else if (header < lines.size()) {
    // Behind the table's last key, before the blank lines and comments that lead to the next table.
    size_t end = next_header(lines, header + 1);
    while (end > header + 1 && (trim(lines[end - 1]).empty() || trim(lines[end - 1])[0] == '#')) {
      --end;
    }
    lines.insert(lines.begin() + static_cast<ptrdiff_t>(end), entry);
  } else {
    if (!lines.empty()) lines.emplace_back();
    lines.push_back(fmt::format("[{}]", table));
    lines.push_back(entry);
  }
  return checked(join(lines), table, key);
}

Result<std::string> remove_toml_table(std::string_view text, std::string_view table) {
  std::vector<std::string> lines = lines_of(text);
  size_t header = 0;
  while (header < lines.size() && !is_header(lines[header], table)) ++header;
  if (header == lines.size()) return std::string(text);
  const size_t end = next_header(lines, header + 1);
  lines.erase(lines.begin() + static_cast<ptrdiff_t>(header),
              lines.begin() + static_cast<ptrdiff_t>(end));
  const std::string out = join(lines);
  auto parsed = parse_toml(out, "the configuration");
  if (!parsed) return tl::unexpected(parsed.error());
  return out;
}

std::string toml_literal(std::string_view value, bool as_text) {
  if (!as_text) {
    if (value == "on" || value == "true") return "true";
    if (value == "off" || value == "false") return "false";
    if (parse_int(value) || parse_real(value)) return std::string(value);
  }
  std::string out = "\"";
  for (char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace labcoat
