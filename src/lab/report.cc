#include "lab/report.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

#include "base/text.h"
#include "lab/application.h"
#include "lab/config_edit.h"

namespace labcoat {
namespace {

std::string with_comments(const Record& record, std::string_view body) {
  std::string out = "# " + headline(record) + "\n";
  const std::string when =
      record.environment.facts.empty() ? "" : record.environment.facts[0].second;
  out +=
      fmt::format("# Found by labcoat tune{}; report.html beside this file shows the evidence.\n",
                  when.empty() ? "" : " on " + when);
  if (record.recommended.empty()) {
    out += "# Nothing is recommended, so this is the configuration as it was.\n";
  } else {
    out += "# Changed:";
    for (const auto& [name, value] : record.recommended) {
      out += fmt::format(" {} = {} (was {});", name, value, record.baseline.at(name));
    }
    out.back() = '.';
    out += "\n";
  }
  return out + "\n" + std::string(body);
}

Result<std::string> best_configuration(const Record& record, const Target& target,
                                       const StudyRequest& request) {
  if (target.own_options) {
    KnobValues changes = request.baseline;
    for (const auto& [name, value] : record.recommended) changes[name] = value;
    return configuration_text(request, changes, false);
  }
  std::string out = "[knobs]\n";
  for (const auto& [name, value] : record.baseline) {
    const auto found = record.recommended.find(name);
    out +=
        fmt::format("{} = {}\n", name,
                    toml_literal(found == record.recommended.end() ? value : found->second, false));
  }
  return out;
}

}  // namespace

std::string percent(double relative) {
  if (!std::isfinite(relative)) return relative < 0 ? "-∞" : "+∞";
  return fmt::format("{:+.1f} %", relative * 100);
}

std::string percent_interval(const Interval& relative) {
  if (!std::isfinite(relative.lower) || !std::isfinite(relative.upper) || relative.upper > 99) {
    return "unknown";
  }
  return fmt::format("{:+.1f} … {:+.1f} %", relative.lower * 100, relative.upper * 100);
}

std::string plain_verdict(const Trial& trial) {
  if (trial.phase == Phase::ablation) {
    switch (trial.verdict) {
      case Verdict::better:
        return "better without: dropped";
      case Verdict::equivalent:
        return "not needed: dropped";
      case Verdict::worse:
        return "needed: stays";
      case Verdict::inconclusive:
        return "cannot tell: stays";
    }
  }
  switch (trial.verdict) {
    case Verdict::better:
      return trial.kept ? "better: kept" : "better, but not kept";
    case Verdict::worse:
      return "worse: rolled back";
    case Verdict::equivalent:
      return "no difference: rolled back";
    case Verdict::inconclusive:
      return trial.blocks.empty() ? "not asked" : "cannot tell: rolled back";
  }
  return "";
}

std::string plain_metric(const Metric& metric) {
  switch (metric.kind) {
    case Metric::Kind::rps:
      return "requests per second";
    case Metric::Kind::p50:
      return "median latency";
    case Metric::Kind::p90:
      return "90th percentile of latency";
    case Metric::Kind::p95:
      return "95th percentile of latency";
    case Metric::Kind::p99:
      return "99th percentile of latency";
    case Metric::Kind::mean:
      return "mean latency";
    case Metric::Kind::cpu_per_request:
      return "CPU time per request";
    case Metric::Kind::errors:
      return "share of errors";
    case Metric::Kind::memory:
      return "memory";
  }
  return metric.name;
}

std::string headline(const Record& record) {
  if (record.interrupted)
    return "Interrupted: this is what was known by then, nothing is recommended";
  if (record.confirmed) {
    const double effect = shown_effect(record.metric, record.confirmation->effect.log_mean);
    const std::string changed = record.recommended.size() == 1
                                    ? "one setting changed"
                                    : fmt::format("{} settings changed", record.recommended.size());
    return fmt::format("{:.1f} % {} {}: {}, confirmed on {} fresh restarts", effect * 100,
                       record.metric.more_is_better ? "more" : "less", plain_metric(record.metric),
                       changed, record.confirmation->gains().size());
  }
  if (record.confirmation) {
    return "An improvement was seen but could not be confirmed, so nothing is recommended";
  }
  if (record.cannot_tell()) {
    return fmt::format("Cannot tell: too noisy for a margin of {:.1f} % within the time given",
                       record.margin * 100);
  }
  if (!record.trials.empty() && !record.ablation.empty()) {
    return "Nothing is left to recommend: the changes that helped at first were not needed in the "
           "end";
  }
  return "The configuration is good as it is: nothing that was tried is better";
}

Status write_reports(const Record& record, const Target& target, const StudyRequest& request,
                     const std::string& out) {
  auto best = best_configuration(record, target, request);
  if (!best) return tl::unexpected(best.error());
  const std::pair<const char*, std::string> files[] = {
      {"best.toml", with_comments(record, *best)},
      {"report.json", report_json(record)},
      {"report.md", report_markdown(record)},
      {"report.html", report_html(record)},
  };
  for (const auto& [name, content] : files) {
    if (auto status = write_file(out + "/" + name, content); !status) return status;
  }
  return {};
}

}  // namespace labcoat
