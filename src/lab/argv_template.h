// ArgvTemplate: a command line in a target.toml, before the values of one trial are put in. Words
// may hold placeholders such as {port} or {knob.workers}. A word may also be a group ["-c",
// "{config}"], which is left out when one of its values is empty; a group that uses {name} and
// {value} is repeated for every knob that differs from the baseline.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "lab/knob.h"

namespace labcoat {

// Placeholder names without braces to their values: "port", "dir", "app", "knob.workers", …
using Placeholders = std::map<std::string, std::string, std::less<>>;

struct ArgvWord {
  std::vector<std::string> texts;  // one, or the members of a group
  bool group = false;
};
using ArgvTemplate = std::vector<ArgvWord>;

// Puts values into one text. Braces that do not enclose a lower-case name, or one that is not in
// `values`, stand for themselves: configuration files are full of them. `emptied` (may be null)
// becomes true when a value was empty.
std::string fill_text(std::string_view text, const Placeholders& values, bool* emptied = nullptr);

// The finished command line. `changed` are the knobs that per-knob groups are repeated for.
std::vector<std::string> fill_argv(const ArgvTemplate& argv, const Placeholders& values,
                                   const KnobValues& changed);

// The names in braces that `text` uses.
std::vector<std::string> placeholders_in(std::string_view text);

}  // namespace labcoat
