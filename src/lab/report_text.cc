// The ending table on the terminal.
#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "lab/report.h"

namespace labcoat {
namespace {

// Characters as a terminal counts them: bytes that continue a UTF-8 sequence take no column.
size_t columns_of(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string padded(std::string text, size_t columns) {
  const size_t used = columns_of(text);
  if (used < columns) text.append(columns - used, ' ');
  return text;
}

std::string question_of(const Trial& trial) {
  return fmt::format("{}: {} → {}", trial.knob, trial.from, trial.to);
}

std::string row_of(const Record& record, const Trial& trial, size_t width) {
  const bool measured = !trial.gains().empty();
  const bool known = trial.gains().size() >= 2;
  return fmt::format(
      "  {} {} {} {}\n", padded(question_of(trial), width),
      padded(measured ? percent(shown_effect(record.metric, trial.effect.log_mean)) : "", 10),
      padded(known ? percent_interval(shown_interval(record.metric, trial.effect.log_ci)) : "", 20),
      plain_verdict(trial));
}

}  // namespace

std::string report_text(const Record& record, const std::string& out) {
  std::string text = fmt::format("\n{}\n\n", headline(record));
  text += fmt::format("  baseline     {} ({} … {})\n",
                      format_metric(record.metric, record.baseline_value),
                      format_metric(record.metric, record.baseline_ci.lower),
                      format_metric(record.metric, record.baseline_ci.upper));
  text += fmt::format(
      "  noise floor  ±{:.1f} % from {} blocks; margin {:.1f} %: smaller differences do not "
      "count\n\n",
      record.floor.half_width * 100, record.floor.blocks, record.margin * 100);
  size_t width = 8;
  for (const auto* trials : {&record.trials, &record.ablation}) {
    for (const Trial& trial : *trials) width = std::max(width, columns_of(question_of(trial)));
  }
  text += fmt::format("  {} {} {} verdict\n", padded("question", width), padded("effect", 10),
                      padded("interval", 20));
  for (const Trial& trial : record.trials) text += row_of(record, trial, width);
  if (!record.ablation.empty()) {
    text += "\n  each kept change left out again\n";
    for (const Trial& trial : record.ablation) text += row_of(record, trial, width);
  }
  text += "\n";
  if (record.confirmation) {
    const Trial& last = *record.confirmation;
    text += fmt::format("  result       {} ({}), {} on {} fresh restarts\n",
                        percent(shown_effect(record.metric, last.effect.log_mean)),
                        percent_interval(shown_interval(record.metric, last.effect.log_ci)),
                        record.confirmed ? "confirmed" : "NOT confirmed", last.gains().size());
  }
  for (const auto& [name, value] : record.recommended) {
    text += fmt::format("  change       {} = {} (was {})\n", name, value, record.baseline.at(name));
  }
  for (const std::string& note : record.notes) text += fmt::format("  note         {}\n", note);
  text += fmt::format("  report       {}/report.html\n", out);
  text += fmt::format("  best config  {}/best.toml{}\n", out,
                      record.target == "labcoat" && !record.recommended.empty()
                          ? fmt::format(": labcoat serve -c {}/best.toml", out)
                          : "");
  text += fmt::format("  took         {}\n", format_duration(record.elapsed_ns));
  return text;
}

}  // namespace labcoat
