#include "lab/knob.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <optional>

#include "base/text.h"

namespace labcoat {
namespace {

bool is_numeric(KnobType type) {
  return type == KnobType::integer || type == KnobType::real || type == KnobType::size ||
         type == KnobType::duration;
}

std::optional<double> number_of(KnobType type, std::string_view text) {
  switch (type) {
    case KnobType::integer:
      if (auto value = parse_int(text)) return static_cast<double>(*value);
      return std::nullopt;
    case KnobType::real:
      if (auto value = parse_real(text)) return *value;
      return std::nullopt;
    case KnobType::size:
      if (auto value = parse_size(text)) return static_cast<double>(*value);
      return std::nullopt;
    case KnobType::duration:
      if (auto value = parse_duration(text)) return static_cast<double>(*value) / seconds;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string text_of(KnobType type, double number) {
  switch (type) {
    case KnobType::integer:
    case KnobType::size:
      return fmt::format("{:.0f}", number);
    case KnobType::duration:
      return exact_duration(static_cast<i64>(number * seconds));
    default:
      return fmt::format("{:.6g}", number);
  }
}

// Two steps down and two up would be four questions; one each way is what a budget of minutes
// bears.
std::vector<double> steps_around(const Knob& knob, std::optional<double> current) {
  const bool bounded = knob.min <= knob.max;
  if (!current) {
    if (!bounded) return {};
    if (!knob.log_scale) return {knob.min, (knob.min + knob.max) / 2, knob.max};
    const double low = std::max(knob.min, 1.0);
    return {low, low * 2, low * 4};
  }
  if (knob.log_scale || !bounded) {
    if (*current == 0) return {};
    return {*current * 2, *current / 2};
  }
  const double step = (knob.max - knob.min) / 8;
  return {*current + step, *current - step};
}

void add_level(const Knob& knob, const std::string& current, const std::string& level,
               std::vector<std::string>& out) {
  if (same_value(knob, current, level)) return;
  for (const std::string& earlier : out) {
    if (same_value(knob, earlier, level)) return;
  }
  out.push_back(level);
}

std::vector<std::string> words_of(const char* text) {
  std::vector<std::string> words;
  for (std::string_view word : split(text, ' ')) {
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

KnobType type_of(OptionType type) {
  switch (type) {
    case OptionType::integer:
      return KnobType::integer;
    case OptionType::real:
      return KnobType::real;
    case OptionType::boolean:
      return KnobType::boolean;
    case OptionType::size:
      return KnobType::size;
    case OptionType::duration:
      return KnobType::duration;
    case OptionType::choice:
    case OptionType::text:
      return KnobType::choice;
  }
  return KnobType::choice;
}

Knob knob_of_option(const Option& option) {
  Knob knob;
  knob.name = option.name;
  knob.type = type_of(option.type);
  knob.default_value = option.default_value;
  // A text option has no list of choices: what may be tried is what its levels say.
  (is_numeric(knob.type) ? knob.special : knob.choices) =
      words_of(option.type == OptionType::text ? "" : option.choices);
  const double unit = knob.type == KnobType::duration ? 1.0 / seconds : 1.0;
  knob.min = option.min * unit;
  knob.max = option.max * unit;
  knob.log_scale = option.log_scale;
  knob.levels = words_of(option.levels);
  knob.scope = option.scope;
  knob.group = option.group;
  knob.why = option.why;
  knob.expect = option.expect;
  for (KnobRisk risk :
       {KnobRisk::memory, KnobRisk::durability, KnobRisk::security, KnobRisk::semantics}) {
    if (risk_name(risk) == option.risk) knob.risk = risk;
  }
  return knob;
}

}  // namespace

bool same_value(const Knob& knob, const std::string& left, const std::string& right) {
  if (left == right) return true;
  if (knob.type == KnobType::boolean) {
    const auto a = parse_bool(left);
    const auto b = parse_bool(right);
    return a && b && *a == *b;
  }
  const auto is_special = [&](const std::string& value) {
    return std::find(knob.special.begin(), knob.special.end(), value) != knob.special.end();
  };
  if (is_special(left) || is_special(right)) return false;
  const auto a = number_of(knob.type, left);
  const auto b = number_of(knob.type, right);
  return a && b && *a == *b;
}

std::vector<std::string> levels_to_try(const Knob& knob, const std::string& current) {
  std::vector<std::string> out;
  if (!knob.levels.empty()) {
    for (const std::string& level : knob.levels) add_level(knob, current, level, out);
    return out;
  }
  for (const std::string& word : knob.special) add_level(knob, current, word, out);
  for (const std::string& choice : knob.choices) add_level(knob, current, choice, out);
  if (knob.type == KnobType::boolean) {
    add_level(knob, current, "on", out);
    add_level(knob, current, "off", out);
  }
  if (!is_numeric(knob.type)) return out;
  const bool whole = knob.type == KnobType::integer || knob.type == KnobType::size;
  for (double number : steps_around(knob, number_of(knob.type, current))) {
    if (knob.min <= knob.max) number = std::clamp(number, knob.min, knob.max);
    if (whole) number = std::round(number);
    add_level(knob, current, text_of(knob.type, number), out);
  }
  return out;
}

Status check_knob_value(const Knob& knob, const std::string& value) {
  const auto among = [&](const std::vector<std::string>& words) {
    return std::find(words.begin(), words.end(), value) != words.end();
  };
  if (among(knob.special) || among(knob.levels) || value == knob.default_value) return {};
  if (knob.type == KnobType::boolean) {
    if (!parse_bool(value)) return fail(fmt::format("'{}' is neither on nor off", value));
    return {};
  }
  if (knob.type == KnobType::choice) {
    if (knob.choices.empty() || among(knob.choices)) return {};
    return fail(fmt::format("'{}' is not one of {}", value, fmt::join(knob.choices, ", ")));
  }
  const auto number = number_of(knob.type, value);
  if (!number) return fail(fmt::format("'{}' is not a number of its kind", value));
  if (knob.min <= knob.max && (*number < knob.min || *number > knob.max)) {
    return fail(fmt::format("{} is outside {:g} to {:g}", value, knob.min, knob.max));
  }
  return {};
}

bool needs_naming(const Knob& knob) {
  return knob.risk == KnobRisk::durability || knob.risk == KnobRisk::security;
}

std::string_view risk_name(KnobRisk risk) {
  switch (risk) {
    case KnobRisk::none:
      return "none";
    case KnobRisk::memory:
      return "memory";
    case KnobRisk::durability:
      return "durability";
    case KnobRisk::security:
      return "security";
    case KnobRisk::semantics:
      return "semantics";
  }
  return "none";
}

std::vector<Knob> knobs_of_options(std::span<const Option> options) {
  std::vector<Knob> knobs;
  for (const Option& option : options) {
    if (option.levels[0] != '\0') knobs.push_back(knob_of_option(option));
  }
  return knobs;
}

}  // namespace labcoat
