// Option: one row per setting of our own. The same row is read by the config parser, --help, the
// docs page, /status, the messages about bad values, and the laboratory, where an option with
// levels is a knob. Plain data, no callbacks.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace labcoat {

enum class OptionType { integer, real, boolean, choice, size, duration, text };
enum class OptionScope { restart, reload };  // what it takes for a new value to hold

struct Option {
  const char* name;     // the key in labcoat.toml and in --set; snake_case
  const char* section;  // "server", "app", "limits" or "tls": the table it stands in
  OptionType type;
  const char* default_value;  // as a user would write it
  const char* unit = "";      // "bytes", "requests", …; for people
  // Bounds of integer, real, size (bytes) and duration (ns); min > max means unbounded.
  double min = 0;
  double max = -1;
  const char* choices =
      "";                 // of choice: "a b c"; of the numeric types: special words such as "auto"
  const char* help = "";  // one sentence: what it does
  // The rest makes the option a knob of the laboratory; levels empty: never tuned.
  const char* levels = "";  // values worth trying, in order of promise: "1 2 4"
  bool log_scale = false;
  OptionScope scope = OptionScope::restart;
  const char* why = "";  // one sentence: the mechanism by which another value may pay
  const char* expect =
      "";  // "up" or "down": where the objective should go if the mechanism is real
  const char* risk = "none";  // none, memory, durability, security, semantics
  const char* group = "";     // knobs that only make sense together
};

// Type, choices and bounds. The error names the value, what was expected and the nearest choice; it
// does not name the option or the file, the caller knows where the value stood.
Status check_option_value(const Option& option, std::string_view value);

// "a whole number from 1 to 64, or auto": what may be written; for --help, docs and messages.
std::string describe_values(const Option& option);

}  // namespace labcoat
