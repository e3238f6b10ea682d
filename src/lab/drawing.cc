#include "lab/drawing.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace labcoat {
namespace {

constexpr int row_height = 34;
constexpr int axis_height = 22;
constexpr double reach_max = 1.0;
constexpr double edge = 14;
constexpr double label_width = 46;

const char* verdict_class(const Trial& trial) {
  switch (trial.verdict) {
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

// Shape tells the verdict to those who do not see the colour.
std::string mark(Verdict verdict, double x, double y) {
  switch (verdict) {
    case Verdict::better:
      return fmt::format(R"(<path class="mark" d="M{:.1f} {:.1f}l7 12h-14z"/>)", x, y - 7);
    case Verdict::worse:
      return fmt::format(R"(<path class="mark" d="M{:.1f} {:.1f}l7 -12h-14z"/>)", x, y + 7);
    case Verdict::equivalent:
      return fmt::format(R"(<rect class="mark" x="{:.1f}" y="{:.1f}" width="10" height="10"/>)",
                         x - 5, y - 5);
    case Verdict::inconclusive:
      return fmt::format(R"(<circle class="mark" cx="{:.1f}" cy="{:.1f}" r="5.5"/>)", x, y);
  }
  return "";
}

}  // namespace

EffectScale::EffectScale(const Record& record) : record_(record) {
  double reach = 3 * std::log1p(std::max(record.margin, 0.01));
  const auto widen = [&](const Trial& trial) {
    if (trial.gains().size() < 2) return;
    reach = std::max({reach, std::abs(trial.effect.log_mean) * 1.1,
                      std::min(std::abs(trial.effect.log_ci.lower), reach_max),
                      std::min(std::abs(trial.effect.log_ci.upper), reach_max)});
  };
  for (const Trial& trial : record.trials) widen(trial);
  for (const Trial& trial : record.ablation) widen(trial);
  if (record.confirmation) widen(*record.confirmation);
  reach_ = std::min(reach * 1.05, reach_max);
}

double EffectScale::x(double log_gain) const {
  const double half = width / 2.0 - edge;
  return width / 2.0 + std::clamp(log_gain / reach_, -1.0, 1.0) * half;
}

bool EffectScale::outside(double log_gain) const {
  return std::abs(log_gain) > reach_;
}

std::vector<double> EffectScale::ticks() const {
  // The finest of these steps that leaves room for the labels.
  for (double step : {0.01, 0.02, 0.05, 0.10, 0.20, 0.50, 1.0}) {
    const double each_way = std::expm1(reach_) / step;
    if (each_way > 4) continue;
    std::vector<double> out;
    for (int i = -4; i <= 4; ++i) {
      const double shown = i * step;
      const double gain = record_.metric.more_is_better ? std::log1p(shown) : -std::log1p(-shown);
      if (std::isfinite(gain) && !outside(gain)) out.push_back(shown);
    }
    return out;
  }
  return {0};
}

std::string EffectScale::grid(int height) const {
  const double left = x(std::log1p(-record_.margin));
  const double right = x(std::log1p(record_.margin));
  std::string out =
      fmt::format(R"(<rect class="band" x="{:.1f}" y="0" width="{:.1f}" height="{}"/>)", left,
                  right - left, height);
  out += fmt::format(R"(<line class="zero" x1="{0:.1f}" x2="{0:.1f}" y1="0" y2="{1}"/>)", x(0),
                     height);
  return out;
}

std::string EffectScale::axis() const {
  std::string out = fmt::format(
      R"(<svg class="plot" viewBox="0 0 {} {}" role="img" aria-label="scale of effects">)", width,
      axis_height);
  double last_x = -label_width;
  for (double shown : ticks()) {
    const double gain = record_.metric.more_is_better ? std::log1p(shown) : -std::log1p(-shown);
    // On the log scale labels crowd towards one side; those without room are left out.
    if (x(gain) - last_x < label_width && shown != 0) continue;
    last_x = x(gain);
    out += fmt::format(
        R"(<text class="tick" x="{:.1f}" y="13" text-anchor="middle">{}</text><line class="tickline" x1="{:.1f}" x2="{:.1f}" y1="17" y2="22"/>)",
        x(gain), shown == 0 ? "0" : fmt::format("{:+.0f} %", shown * 100), x(gain), x(gain));
  }
  return out + "</svg>";
}

std::string EffectScale::row(const Trial& trial) const {
  const double y = row_height / 2.0;
  std::string out = fmt::format(
      R"(<svg class="plot {}" viewBox="0 0 {} {}" role="img" aria-label="{} blocks, their effects and the interval">)",
      verdict_class(trial), width, row_height, trial.gains().size());
  out += grid(row_height);
  const std::vector<double> gains = trial.gains();
  for (size_t i = 0; i < gains.size(); ++i) {
    // Spread a little in height, in the order they were run, so that equal blocks stay visible.
    const double dot_y = y + (static_cast<double>(i % 5) - 2) * 4;
    out += fmt::format(
        R"(<circle class="dot" cx="{:.1f}" cy="{:.1f}" r="2.6"><title>block {}: {:+.1f} %</title></circle>)",
        x(gains[i]), dot_y, i + 1, shown_effect(record_.metric, gains[i]) * 100);
  }
  // An interval that covers the whole drawing says nothing; two blocks before a safety stop leave
  // such a one.
  const bool says_something =
      !outside(trial.effect.log_ci.lower) || !outside(trial.effect.log_ci.upper);
  if (gains.size() >= 2 && says_something) {
    const double left = x(trial.effect.log_ci.lower);
    const double right = x(trial.effect.log_ci.upper);
    out += fmt::format(R"(<line class="ci" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>)",
                       left, right, y, y);
    if (outside(trial.effect.log_ci.lower)) {
      out += fmt::format(R"(<path class="arrow" d="M{:.1f} {:.1f}l8 -5v10z"/>)", left - 8, y);
    }
    if (outside(trial.effect.log_ci.upper)) {
      out += fmt::format(R"(<path class="arrow" d="M{:.1f} {:.1f}l-8 -5v10z"/>)", right + 8, y);
    }
  }
  if (!gains.empty()) out += mark(trial.verdict, x(trial.effect.log_mean), y);
  return out + "</svg>";
}

}  // namespace labcoat
