#include "lab/argv_template.h"

#include <algorithm>

namespace labcoat {
namespace {

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
}

// The name at text[open] == '{', or "" when this brace opens no placeholder.
std::string_view name_at(std::string_view text, size_t open) {
  size_t end = open + 1;
  while (end < text.size() && is_name_character(text[end])) ++end;
  if (end == text.size() || text[end] != '}' || end == open + 1) return {};
  if (text[open + 1] < 'a' || text[open + 1] > 'z') return {};
  return text.substr(open + 1, end - open - 1);
}

bool is_per_knob(const ArgvWord& word) {
  for (const std::string& text : word.texts) {
    for (const std::string& name : placeholders_in(text)) {
      if (name == "name" || name == "value") return true;
    }
  }
  return false;
}

void append_word(const ArgvWord& word, const Placeholders& values, std::vector<std::string>& out) {
  bool emptied = false;
  std::vector<std::string> filled;
  for (const std::string& text : word.texts) filled.push_back(fill_text(text, values, &emptied));
  if (word.group && emptied) return;
  out.insert(out.end(), filled.begin(), filled.end());
}

}  // namespace

std::string fill_text(std::string_view text, const Placeholders& values, bool* emptied) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const std::string_view name = text[i] == '{' ? name_at(text, i) : std::string_view{};
    const auto found = name.empty() ? values.end() : values.find(name);
    if (found == values.end()) {
      out += text[i++];
      continue;
    }
    if (found->second.empty() && emptied != nullptr) *emptied = true;
    out += found->second;
    i += name.size() + 2;
  }
  return out;
}

std::vector<std::string> fill_argv(const ArgvTemplate& argv, const Placeholders& values,
                                   const KnobValues& changed) {
  std::vector<std::string> out;
  for (const ArgvWord& word : argv) {
    if (!is_per_knob(word)) {
      append_word(word, values, out);
      continue;
    }
    for (const auto& [name, value] : changed) {
      Placeholders with_knob = values;
      with_knob["name"] = name;
      with_knob["value"] = value;
      append_word(word, with_knob, out);
    }
  }
  return out;
}

std::vector<std::string> placeholders_in(std::string_view text) {
  std::vector<std::string> names;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') continue;
    const std::string_view name = name_at(text, i);
    if (!name.empty()) names.emplace_back(name);
  }
  return names;
}

}  // namespace labcoat
