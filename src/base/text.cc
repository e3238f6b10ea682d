#include "base/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digits.h"
#include "base/fd.h"

namespace labcoat {
namespace {

struct Unit {
  std::string_view name;
  i64 factor;
};

constexpr Unit duration_units[] = {
    {"ns", 1},
    {"us", us},
    {"ms", ms},
    {"s", seconds},
    {"m", 60 * seconds},
    {"min", 60 * seconds},
    {"h", 3600 * seconds},
    {"d", 86400 * seconds},
};
constexpr i64 kib = 1024, kb = 1000;
constexpr Unit size_units[] = {
    {"b", 1},           {"k", kib},           {"kib", kib},
    {"kb", kb},         {"m", kib* kib},      {"mib", kib* kib},
    {"mb", kb* kb},     {"g", kib* kib* kib}, {"gib", kib* kib* kib},
    {"gb", kb* kb* kb},
};

std::string quoted(std::string_view text) {
  std::string out = "'";
  out += text;
  out += "'";
  return out;
}

// A number followed by a unit; without a unit, `bare` is the factor.
Result<i64> parse_with_unit(std::string_view text, std::span<const Unit> units, i64 bare,
                            const char* expected) {
  const std::string_view whole = text;
  text = trim(text);
  const size_t number_end = text.find_first_not_of("0123456789.");
  const std::string_view number = text.substr(0, number_end);
  const std::string unit = number_end == text.npos ? "" : to_lower(trim(text.substr(number_end)));
  const auto value = parse_real(number);
  if (!value) return fail(quoted(whole) + " is not " + expected);
  i64 factor = bare;
  if (!unit.empty()) {
    const auto* found = std::find_if(units.data(), units.data() + units.size(),
                                     [&](const Unit& u) { return u.name == unit; });
    if (found == units.data() + units.size()) return fail(quoted(whole) + " is not " + expected);
    factor = found->factor;
  }
  const double result = *value * static_cast<double>(factor);
  if (result > 9.0e18) return fail(quoted(whole) + " is too large");
  return static_cast<i64>(std::llround(result));
}

std::string with_three_digits(double value, const char* unit) {
  char buffer[48];
  const int decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  std::snprintf(buffer, sizeof buffer, "%.*f%s", decimals, value, unit);
  return buffer;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

}  // namespace

Result<i64> parse_int(std::string_view text) {
  i64 value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return fail(quoted(text) + " is not a whole number");
  }
  return value;
}

Result<double> parse_real(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty() ||
      !std::isfinite(value)) {
    return fail(quoted(text) + " is not a number");
  }
  return value;
}

Result<i64> parse_duration(std::string_view text) {
  return parse_with_unit(text, duration_units, seconds, "a duration such as 250ms, 10s or 5m");
}

Result<i64> parse_size(std::string_view text) {
  return parse_with_unit(text, size_units, 1, "a size such as 512, 64KiB or 1GiB");
}

Result<bool> parse_bool(std::string_view text) {
  const std::string word = to_lower(text);
  if (word == "on" || word == "true" || word == "yes" || word == "1") return true;
  if (word == "off" || word == "false" || word == "no" || word == "0") return false;
  return fail(quoted(text) + " is neither on nor off");
}

Result<double> parse_share(std::string_view text) {
  const bool percent = text.ends_with('%');
  const auto value = parse_real(trim(percent ? text.substr(0, text.size() - 1) : text));
  if (!value) return fail(quoted(text) + " is not a share such as 3% or 0.03");
  return percent ? *value / 100 : *value;
}

void append_number(i64 number, std::string& out) {
  char digits[number_bytes_max];
  out.append(digits, put_number(number, digits));
}

std::string format_duration(i64 ns) {
  const double value = static_cast<double>(ns);
  if (ns < us) return with_three_digits(value / 1e3, " us");
  if (ns < ms) return with_three_digits(value / 1e3, " us");
  if (ns < seconds) return with_three_digits(value / 1e6, " ms");
  if (ns < 120 * seconds) return with_three_digits(value / 1e9, " s");
  return with_three_digits(value / 60e9, " min");
}

std::string format_count(double value) {
  if (value < 1e3) return with_three_digits(value, "");
  if (value < 1e6) return with_three_digits(value / 1e3, "k");
  if (value < 1e9) return with_three_digits(value / 1e6, "M");
  return with_three_digits(value / 1e9, "G");
}

std::string format_size(i64 bytes) {
  const double value = static_cast<double>(bytes);
  if (bytes < 1024) return std::to_string(bytes) + " B";
  if (bytes < (i64{1} << 20)) return with_three_digits(value / 1024, " KiB");
  if (bytes < (i64{1} << 30)) return with_three_digits(value / (1 << 20), " MiB");
  return with_three_digits(value / (1 << 30), " GiB");
}

std::string exact_duration(i64 ns) {
  for (const Unit& unit : {Unit{"h", 3600 * seconds}, Unit{"m", 60 * seconds}, Unit{"s", seconds},
                           Unit{"ms", ms}, Unit{"us", us}}) {
    if (ns >= unit.factor && ns % unit.factor == 0) {
      std::string out = std::to_string(ns / unit.factor);
      out += unit.name;
      return out;
    }
  }
  return std::to_string(ns) + (ns == 0 ? "s" : "ns");
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  for (size_t at; (at = text.find(separator, start)) != text.npos; start = at + 1) {
    parts.push_back(text.substr(start, at - start));
  }
  parts.push_back(text.substr(start));
  return parts;
}

std::string_view trim(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r\n");
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c | 0x20) : c;
  return out;
}

std::string_view nearest_word(std::string_view word, std::span<const std::string_view> candidates) {
  std::string_view best;
  // A third of the letters wrong is no longer a typo.
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string_view candidate : candidates) {
    const size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

Result<std::string> read_file(const std::string& path, i64 bytes_max) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("cannot read " + path);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("cannot read " + path);
  // One more than there should be tells the end. Where no size is known (/proc) it grows.
  constexpr size_t least = 4096;
  std::string content(static_cast<size_t>(std::clamp<i64>(info.st_size, 0, bytes_max)) + 1, '\0');
  if (info.st_size == 0) content.resize(least);
  for (size_t bytes = 0;;) {
    const ssize_t got = ::read(file.get(), content.data() + bytes, content.size() - bytes);
    if (got < 0) return fail_errno("cannot read " + path);
    bytes += static_cast<size_t>(got);
    if (static_cast<i64>(bytes) > bytes_max) {
      return fail(path + " is larger than " + format_size(bytes_max) + ": is it the right file?");
    }
    if (got == 0) {
      content.resize(bytes);
      return content;
    }
    if (bytes == content.size()) content.resize(2 * bytes);
  }
}

Status write_file(const std::string& path, std::string_view content) {
  const std::string temporary = path + ".new";
  {
    const Fd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return fail_errno("cannot write " + temporary);
    while (!content.empty()) {
      const ssize_t wrote = ::write(file.get(), content.data(), content.size());
      if (wrote < 0) return fail_errno("cannot write " + temporary);
      content.remove_prefix(static_cast<size_t>(wrote));
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) return fail_errno("cannot write " + path);
  return {};
}

}  // namespace labcoat
