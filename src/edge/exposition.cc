#include "edge/exposition.h"

namespace labcoat::edge {
namespace {

// Without the zeros at its end: "0.25", "10".
std::string as_seconds(u64 duration_us) {
  std::string text = std::to_string(duration_us / 1'000'000);
  if (duration_us % 1'000'000 == 0) return text;
  const std::string fraction = std::to_string(1'000'000 + duration_us % 1'000'000).substr(1);
  text.append(".").append(fraction, 0, fraction.find_last_not_of('0') + 1);
  return text;
}

void append_backslashed(std::string_view text, bool quotes, std::string& out) {
  for (const char c : text) {
    if (c == '\n') {
      out.append("\\n");
    } else if (c == '\\' || (c == '"' && quotes)) {
      out.push_back('\\');
      out.push_back(c);
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

void Exposition::metric(std::string_view name, Kind kind, std::string_view help) {
  name_ = name;
  if (kind == Kind::counter) name_.append("_total");
  out_.append("# HELP ").append(name_).push_back(' ');
  append_backslashed(help, false, out_);
  out_.append("\n# TYPE ").append(name_);
  out_.append(kind == Kind::counter ? " counter\n"
              : kind == Kind::gauge ? " gauge\n"
                                    : " histogram\n");
}

void Exposition::line(std::string_view suffix, std::span<const Label> labels,
                      std::string_view bound, std::string_view value) {
  out_.append(name_).append(suffix);
  char before = '{';
  for (const Label& label : labels) {
    out_.push_back(before);
    before = ',';
    out_.append(label.name).append("=\"");
    append_backslashed(label.value, true, out_);
    out_.push_back('"');
  }
  if (!bound.empty()) {
    out_.push_back(before);
    before = ',';
    out_.append("le=\"").append(bound).append("\"");
  }
  if (before == ',') out_.push_back('}');
  out_.append(" ").append(value).append("\n");
}

void Exposition::sample(std::span<const Label> labels, u64 value) {
  line("", labels, {}, std::to_string(value));
}

void Exposition::histogram(std::span<const Label> labels, std::span<const i64> bounds_us,
                           std::span<const u64> counts, u64 sum_us) {
  u64 so_far = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    so_far += counts[i];
    const std::string bound =
        i < bounds_us.size() ? as_seconds(static_cast<u64>(bounds_us[i])) : "+Inf";
    line("_bucket", labels, bound, std::to_string(so_far));
  }
  line("_sum", labels, {}, as_seconds(sum_us));
  line("_count", labels, {}, std::to_string(so_far));
}

}  // namespace labcoat::edge
