// report.md: for a pull request, a wiki, a mail.
#include <fmt/format.h>

#include "base/text.h"
#include "lab/report.h"

namespace labcoat {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string effect_cells(const Record& record, const Trial& trial) {
  if (trial.gains().empty()) return " | ";
  const std::string interval =
      trial.gains().size() < 2
          ? ""
          : percent_interval(shown_interval(record.metric, trial.effect.log_ci));
  return percent(shown_effect(record.metric, trial.effect.log_mean)) + " | " + interval;
}

std::string tables(const Record& record) {
  std::string out =
      "| question | effect | interval | verdict | blocks | reason |\n|---|---:|---|---|---:|---|\n";
  for (const Trial& trial : record.trials) {
    out += fmt::format("| `{}`: {} → {} | {} | {} | {} | {} |\n", cell(trial.knob),
                       cell(trial.from), cell(trial.to), effect_cells(record, trial),
                       plain_verdict(trial), trial.gains().size(), cell(trial.reason));
  }
  if (record.ablation.empty()) return out;
  out +=
      "\n## Each kept change left out again\n\n"
      "| left out | effect of leaving it out | interval | verdict | blocks |\n"
      "|---|---:|---|---|---:|\n";
  for (const Trial& trial : record.ablation) {
    out += fmt::format("| `{}`: {} → {} | {} | {} | {} |\n", cell(trial.knob), cell(trial.from),
                       cell(trial.to), effect_cells(record, trial), plain_verdict(trial),
                       trial.gains().size());
  }
  return out;
}

std::string result_section(const Record& record) {
  std::string out = "\n## Result\n\n";
  if (record.confirmation) {
    const Trial& last = *record.confirmation;
    out += fmt::format(
        "Everything found against the original, on {} fresh restarts: **{}** ({}). {}.\n",
        last.gains().size(), percent(shown_effect(record.metric, last.effect.log_mean)),
        percent_interval(shown_interval(record.metric, last.effect.log_ci)), last.reason);
  } else {
    out += "Nothing was changed, so there was nothing to confirm.\n";
  }
  if (record.recommended.empty()) return out;
  out += "\n| setting | was | recommended |\n|---|---|---|\n";
  for (const auto& [name, value] : record.recommended) {
    out +=
        fmt::format("| `{}` | {} | **{}** |\n", name, cell(record.baseline.at(name)), cell(value));
  }
  out += "\n`best.toml` beside this file holds the whole configuration.";
  if (record.target == "labcoat") out += " Use it with `labcoat serve -c best.toml`.";
  return out + "\n";
}

}  // namespace

std::string report_markdown(const Record& record) {
  std::string out = fmt::format("# {}\n\n", headline(record));
  out += fmt::format("Target {}, {} {}. Load: {}.\n\n", record.target,
                     record.metric.more_is_better ? "more" : "less", plain_metric(record.metric),
                     record.load);
  out += fmt::format("- Baseline: {} (95 % interval {} … {})\n",
                     format_metric(record.metric, record.baseline_value),
                     format_metric(record.metric, record.baseline_ci.lower),
                     format_metric(record.metric, record.baseline_ci.upper));
  out += fmt::format(
      "- Noise floor: the baseline against itself differed by ±{:.1f} % over {} blocks; effects "
      "from "
      "{:.1f} % are seen reliably\n",
      record.floor.half_width * 100, record.floor.blocks, record.floor.detectable * 100);
  out += fmt::format("- Margin: {:.1f} %; smaller differences do not count\n", record.margin * 100);
  if (!record.diagnosis.empty()) out += fmt::format("- Diagnosis: {}\n", record.diagnosis);
  for (const std::string& guard : record.guards) out += fmt::format("- Guard: {}\n", guard);
  for (const std::string& note : record.notes) out += fmt::format("- Note: {}\n", note);
  out += "\n## Questions\n\n" + tables(record) + result_section(record);
  out += "\n## How to run it again\n\n```\n" + record.command + "\n```\n\nSeed " +
         std::to_string(record.seed) + ", budget " + exact_duration(record.budget_ns) + ", took " +
         format_duration(record.elapsed_ns) + ".\n\n## Machine\n\n";
  for (const auto& [name, value] : record.environment.facts) {
    out += fmt::format("- {}: {}\n", name, value);
  }
  return out;
}

}  // namespace labcoat
