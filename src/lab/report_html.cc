// report.html: web/report.html with its {{places}} filled from the record.
#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "base/text.h"
#include "lab/drawing.h"
#include "lab/report.h"
#include "lab/report_template.h"

namespace labcoat {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "<br>";
        break;
      default:
        out += c;
    }
  }
  return out;
}

const char* verdict_class(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    case Verdict::equivalent:
      return "same";
    case Verdict::inconclusive:
      return "open";
  }
  return "";
}

std::string effect_cell(const Record& record, const Trial& trial) {
  if (trial.gains().empty()) return "<td class=\"num\">–</td>";
  std::string out =
      "<td class=\"num\">" + percent(shown_effect(record.metric, trial.effect.log_mean));
  const std::string interval =
      trial.gains().size() < 2
          ? "unknown"
          : percent_interval(shown_interval(record.metric, trial.effect.log_ci));
  out +=
      "<span class=\"interval\">" + (interval == "unknown" ? "no interval" : interval) + "</span>";
  return out + "</td>";
}

std::string trial_row(const Record& record, const EffectScale& scale, const Trial& trial) {
  std::string detail;
  if (!trial.why.empty()) detail += fmt::format("<p>{}</p>", escaped(trial.why));
  if (!trial.expect.empty()) {
    detail +=
        fmt::format("<p>Expected: {}.</p>", trial.expect == "up" ? "an improvement" : "a loss");
  }
  if (!trial.reason.empty()) detail += fmt::format("<p>Verdict: {}.</p>", escaped(trial.reason));
  // "better: kept" in two lines: the verdict, and what followed from it.
  const std::string verdict = plain_verdict(trial);
  const size_t colon = verdict.find(": ");
  const std::string first = verdict.substr(0, colon);
  const std::string second = colon == std::string::npos ? "" : verdict.substr(colon + 2);
  return fmt::format(
      "<tr><td><details><summary><code>{}</code> <span class=\"change\">{} → {}</span></summary>{}"
      "</details></td><td class=\"draw\">{}</td>{}<td class=\"verdict {}\">{}<small>{}{}{} blocks"
      "</small></td></tr>\n",
      escaped(trial.knob), escaped(trial.from), escaped(trial.to), detail, scale.row(trial),
      effect_cell(record, trial),
      trial.phase == Phase::ablation ? "" : verdict_class(trial.verdict), first, second,
      second.empty() ? "" : ", ", trial.gains().size());
}

std::string tile(const std::string& value, const std::string& label, const char* kind = "") {
  return fmt::format("<div class=\"tile{}\"><b>{}</b><span>{}</span></div>", kind, escaped(value),
                     escaped(label));
}

std::string tiles(const Record& record) {
  const Metric& metric = record.metric;
  std::string out;
  if (record.confirmation) {
    const PairedEffect& effect = record.confirmation->effect;
    const double shown = shown_effect(metric, effect.log_mean);
    out +=
        tile(percent(shown),
             fmt::format("{}: between {}", record.confirmed ? "confirmed effect" : "not confirmed",
                         percent_interval(shown_interval(metric, effect.log_ci))),
             record.confirmed ? " main" : "");
  } else {
    out +=
        tile("no change", record.interrupted ? "interrupted"
                                             : "nothing was shown to be better than the baseline");
  }
  out += tile(format_metric(metric, record.baseline_value),
              fmt::format("baseline, {} ({} … {})", plain_metric(metric),
                          format_metric(metric, record.baseline_ci.lower),
                          format_metric(metric, record.baseline_ci.upper)));
  out += tile(fmt::format("±{:.1f} %", record.floor.half_width * 100),
              fmt::format("noise floor, from {} blocks", record.floor.blocks));
  out += tile(fmt::format("{:.1f} %", record.margin * 100),
              record.margin_chosen ? "margin, as asked: less does not count"
                                   : "margin: less does not count");
  return out;
}

std::string what_to_do(const Record& record) {
  if (record.recommended.empty() && (record.interrupted || record.cannot_tell())) {
    return "<h2>What to do</h2><p>Keep the configuration as it is for now. To learn more, run the "
           "study "
           "again when the machine is quieter, with a longer <code>--budget</code>, or with fewer "
           "<code>--knobs</code>. <code>best.toml</code> beside this report is a copy of what "
           "is.</p>";
  }
  if (record.recommended.empty()) {
    return "<h2>What to do</h2><p>Nothing: keep the configuration as it is. <code>best.toml</code> "
           "beside this report is a copy of it.</p>";
  }
  std::string out =
      "<h2>What to do</h2><div class=\"card\"><table><thead><tr><th>Setting</th><th>Was</th>"
      "<th>Recommended</th></tr></thead><tbody>";
  for (const auto& [name, value] : record.recommended) {
    out += fmt::format(
        "<tr><td><code>{}</code></td><td>{}</td><td class=\"better\"><b>{}</b></td></tr>",
        escaped(name), escaped(record.baseline.at(name)), escaped(value));
  }
  out +=
      "</tbody></table></div><p>The whole configuration is in <code>best.toml</code> beside this "
      "report";
  if (record.target != "labcoat") return out + ".</p>";
  return out +
         ". Try it, or run the study again with <code>--apply</code>, which writes the changes "
         "into your own <code>labcoat.toml</code> and keeps the old one:</p>"
         "<pre><code>labcoat serve -c best.toml</code></pre>";
}

std::string questions_lead(const Record& record) {
  std::string out =
      "Each line asks whether one change makes the application better than the baseline "
      "of that moment. What was better was kept and became part of the baseline for the "
      "questions below it; everything else was rolled back.";
  if (!record.diagnosis.empty()) {
    out +=
        fmt::format(" The order follows from what was seen first: {}.", escaped(record.diagnosis));
  }
  return out;
}

std::string effects_table(const char* first_column, const EffectScale& scale,
                          const std::string& rows) {
  return fmt::format(
      "<div class=\"card\"><table class=\"effects\"><thead><tr><th class=\"what\">{}</th><th "
      "class=\"draw\">{}</th>"
      "<th class=\"num\">Effect</th><th "
      "class=\"says\">Verdict</th></tr></thead><tbody>{}</tbody></table></div>",
      first_column, scale.axis(), rows);
}

std::string ablation(const Record& record, const EffectScale& scale) {
  if (record.ablation.empty()) return "";
  std::string rows;
  for (const Trial& trial : record.ablation) rows += trial_row(record, scale, trial);
  return "<h2>Each kept change left out again</h2><p>A change can be made superfluous by a later "
         "one. "
         "So each was taken out of the finished configuration once more: where nothing was lost, "
         "it was "
         "dropped, because fewer changes make a better configuration. A loss here means the change "
         "is "
         "needed.</p>" +
         effects_table("Left out", scale, rows);
}

std::string confirmation(const Record& record, const EffectScale& scale) {
  if (!record.confirmation) return "";
  const Trial& last = *record.confirmation;
  const std::string row = fmt::format(
      "<tr><td>{}</td><td class=\"draw\">{}</td>{}<td class=\"verdict {}\">{}<small>{} fresh "
      "restarts"
      "</small></td></tr>",
      escaped(last.knob), scale.row(last), effect_cell(record, last),
      record.confirmed ? "better" : "open", record.confirmed ? "confirmed" : "not confirmed",
      last.gains().size());
  return "<h2>Confirmation</h2><p>A search picks the luckiest numbers, so its own estimates "
         "flatter. "
         "This comparison used fresh restarts after the search was over, and its estimate is the "
         "one "
         "that counts.</p>" +
         effects_table("Comparison", scale, row);
}

std::string method(const Record& record) {
  std::string out = fmt::format("<p>Load: {}.</p>", escaped(record.load));
  size_t slices = 0;
  for (const Block& block : record.noise.blocks) slices = std::max(slices, block.slices.size());
  out += fmt::format(
      "<p>The unit of evidence is a block. For each block both configurations are started afresh, "
      "side "
      "by side, and after a warm-up the load alternates between them in {} short slices in random "
      "order, so that the machine's ups and downs hit both alike. A block gives one number: how "
      "much "
      "better the changed configuration did. However many requests it held, it counts once.</p>",
      slices);
  out +=
      "<p>After a few blocks the interval is looked at, widened so that looking several times "
      "still errs in at most 5 % of all questions. <b>Better</b> means that the whole interval "
      "lies "
      "above the margin, <b>worse</b> below it, <b>no difference</b> inside it. Anything else is "
      "<b>cannot tell</b>, and is not kept.</p>";
  if (!record.guards.empty()) {
    out += fmt::format("<p>Guards that every kept change had to hold: <code>{}</code>.</p>",
                       escaped(fmt::format("{}", fmt::join(record.guards, ", "))));
  }
  return out;
}

std::string noise_text(const Record& record) {
  return fmt::format(
      "Before the first question the baseline ran against itself, as if it were two "
      "configurations. "
      "The truth there is zero, so what was seen is noise: ±{:.1f} % over {} blocks. With as many "
      "blocks an effect of {:.1f} % is seen in four of five studies.",
      record.floor.half_width * 100, record.floor.blocks, record.floor.detectable * 100);
}

std::map<std::string, std::string, std::less<>> places(const Record& record) {
  const EffectScale scale(record);
  std::map<std::string, std::string, std::less<>> out;
  out["title"] = escaped("Labcoat: " + headline(record));
  out["target"] = escaped(record.target);
  out["time"] = record.environment.facts.empty() ? "" : escaped(record.environment.facts[0].second);
  out["headline"] = escaped(headline(record));
  out["lead"] = escaped(fmt::format("{} question{} about {}, answered in {} of a budget of {}.",
                                    record.trials.size(), record.trials.size() == 1 ? "" : "s",
                                    plain_metric(record.metric), format_duration(record.elapsed_ns),
                                    exact_duration(record.budget_ns)));
  out["tiles"] = tiles(record);
  for (const std::string& note : record.notes) {
    out["notes"] += fmt::format("<p class=\"note\">{}</p>", escaped(note));
  }
  out["what_to_do"] = what_to_do(record);
  out["questions_lead"] = questions_lead(record);
  out["axis"] = scale.axis();
  for (const Trial& trial : record.trials) out["questions"] += trial_row(record, scale, trial);
  out["margin"] = fmt::format("{:.1f} %", record.margin * 100);
  out["ablation"] = ablation(record, scale);
  out["confirmation"] = confirmation(record, scale);
  out["noise"] = noise_text(record);
  out["noise_row"] = fmt::format(
      "<tr><td>{}</td><td class=\"draw\">{}</td>{}<td class=\"verdict\"><small>{} "
      "blocks</small></td></tr>",
      escaped(record.noise.knob), scale.row(record.noise), effect_cell(record, record.noise),
      record.noise.gains().size());
  out["method"] = method(record);
  out["command"] = escaped(record.command);
  out["seed"] = std::to_string(record.seed);
  for (const auto& [name, value] : record.environment.facts) {
    out["environment"] += fmt::format("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
  }
  return out;
}

}  // namespace

std::string report_html(const Record& record) {
  const auto values = places(record);
  std::string out;
  std::string_view rest = report_template;
  for (size_t open; (open = rest.find("{{")) != std::string_view::npos;) {
    const size_t close = rest.find("}}", open);
    out += rest.substr(0, open);
    const auto value = values.find(rest.substr(open + 2, close - open - 2));
    if (value != values.end()) out += value->second;
    rest.remove_prefix(close + 2);
  }
  return out + std::string(rest);
}

}  // namespace labcoat
