#include "base/option.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <vector>

#include "base/text.h"

namespace labcoat {
namespace {

std::vector<std::string_view> words_of(const char* text) {
  std::vector<std::string_view> words;
  for (const std::string_view word : split(text, ' ')) {
    if (!word.empty()) words.push_back(word);
  }
  return words;
}

std::string join_or(const std::vector<std::string_view>& words) {
  std::string out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " or " : ", ";
    out += words[i];
  }
  return out;
}

const char* noun_of(OptionType type) {
  switch (type) {
    case OptionType::integer:
      return "a whole number";
    case OptionType::real:
      return "a number";
    case OptionType::boolean:
      return "on or off";
    case OptionType::choice:
      return "one of";
    case OptionType::size:
      return "a size";
    case OptionType::duration:
      return "a duration";
    case OptionType::text:
      return "text";
  }
  return "a value";
}

std::string exact_size(i64 bytes) {
  for (const auto& [factor, name] :
       {std::pair{i64{1} << 30, "GiB"}, {i64{1} << 20, "MiB"}, {i64{1} << 10, "KiB"}}) {
    if (bytes >= factor && bytes % factor == 0) return std::to_string(bytes / factor) + name;
  }
  return std::to_string(bytes);
}

std::string bound_text(OptionType type, double bound) {
  const i64 whole = std::llround(bound);
  if (type == OptionType::duration) return exact_duration(whole);
  if (type == OptionType::size) return exact_size(whole);
  return type == OptionType::real ? fmt::format("{:g}", bound) : std::to_string(whole);
}

// The number a value stands for, in the unit of the option's bounds.
Result<double> number_of(OptionType type, std::string_view value) {
  if (type == OptionType::real) return parse_real(value);
  const auto whole = type == OptionType::integer ? parse_int(value)
                     : type == OptionType::size  ? parse_size(value)
                                                 : parse_duration(value);
  if (!whole) return tl::unexpected(whole.error());
  return static_cast<double>(*whole);
}

Status expected(const Option& option, std::string_view value) {
  std::string text = fmt::format("'{}' is not {}", value, describe_values(option));
  const std::string_view nearest = nearest_word(value, words_of(option.choices));
  if (!nearest.empty()) text += fmt::format("; did you mean '{}'?", nearest);
  return fail(std::move(text));
}

}  // namespace

std::string describe_values(const Option& option) {
  const std::vector<std::string_view> words = words_of(option.choices);
  if (option.type == OptionType::choice) return join_or(words);
  std::string text = noun_of(option.type);
  if (option.type == OptionType::boolean || option.type == OptionType::text) return text;
  if (option.min <= option.max) {
    text += fmt::format(" from {} to {}", bound_text(option.type, option.min),
                        bound_text(option.type, option.max));
  }
  if (!words.empty()) text += ", or " + join_or(words);
  return text;
}

Status check_option_value(const Option& option, std::string_view value) {
  const std::vector<std::string_view> words = words_of(option.choices);
  if (std::find(words.begin(), words.end(), value) != words.end()) return {};
  switch (option.type) {
    case OptionType::text:
      return {};
    case OptionType::choice:
      return expected(option, value);
    case OptionType::boolean:
      return parse_bool(value) ? Status{} : expected(option, value);
    default:
      break;
  }
  const auto number = number_of(option.type, value);
  const bool bounded = option.min <= option.max;
  if (!number || (bounded && (*number < option.min || *number > option.max))) {
    return expected(option, value);
  }
  return {};
}

}  // namespace labcoat
