// Knob: a setting that the laboratory may turn. It comes from a row of a target's target.toml or
// from a row of labcoat's own options (an Option with levels); from here on nobody needs to know
// which.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/option.h"

namespace labcoat {

enum class KnobType { integer, real, boolean, choice, size, duration };
enum class KnobRisk { none, memory, durability, security, semantics };

struct Knob {
  std::string name;
  KnobType type = KnobType::choice;
  std::string default_value;
  std::vector<std::string> special;  // words such as "auto" or "0": each a level of its own
  std::vector<std::string> choices;  // of choice
  double min = 0;                    // of the numeric types (size in bytes, duration in seconds);
  double max = -1;                   // min > max: no bounds known
  bool log_scale = false;
  std::vector<std::string> levels;  // values worth trying, the most promising first; may be empty
  OptionScope scope = OptionScope::restart;
  std::string group;   // knobs of one group move together: their n-th levels are one question
  std::string why;     // one sentence: the mechanism
  std::string expect;  // "up", "down" or "": where the objective should go
  KnobRisk risk = KnobRisk::none;
  // What {knob.NAME} becomes in argv and files, where that is not the value itself ("on" ->
  // "--preload").
  std::map<std::string, std::string> text;
};

// Knob names to values: the configuration of one arm. Ordered, so that it prints the same way every
// time.
using KnobValues = std::map<std::string, std::string>;

// The values to try against `current`, which is not among them: `levels` if the knob has any; else
// special values first, then the other choices, or steps of a factor two (log scale) or an eighth
// of the range (linear) around the current value.
std::vector<std::string> levels_to_try(const Knob& knob, const std::string& current);

// Whether two ways to write a value mean the same ("1000", "1k" do not parse alike; "on" and "true"
// do).
bool same_value(const Knob& knob, const std::string& left, const std::string& right);

// An error says what may be written.
Status check_knob_value(const Knob& knob, const std::string& value);

// Durability and security are not the laboratory's to trade for speed: such knobs move only when
// named.
bool needs_naming(const Knob& knob);

std::string_view risk_name(KnobRisk risk);

// The rows with levels, in their order.
std::vector<Knob> knobs_of_options(std::span<const Option> options);

}  // namespace labcoat
