#include "lab/progress.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"
#include "lab/report.h"

namespace labcoat {
namespace {

constexpr size_t bar_columns = 20;

std::string doing(const Trial& trial) {
  switch (trial.phase) {
    case Phase::noise_floor:
      return "noise floor: the baseline against itself";
    case Phase::question:
      return fmt::format("{}: {} → {}?", trial.knob, trial.from, trial.to);
    case Phase::ablation:
      return fmt::format("without {} = {}?", trial.knob, trial.from);
    case Phase::confirmation:
      return "confirming on fresh restarts";
  }
  return "";
}

std::string minutes(i64 ns) {
  const i64 whole = std::max<i64>(0, (ns + seconds / 2) / seconds);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

// Cuts at a character's boundary; the bar may not wrap into a second line.
std::string cut(const std::string& text, int columns) {
  std::string out;
  int used = 0;
  for (char c : text) {
    if ((c & 0xC0) != 0x80 && ++used > columns) break;
    out += c;
  }
  return out;
}

}  // namespace

Progress::Progress(FILE* out, bool terminal, int columns)
    : out_(out), terminal_(terminal), columns_(columns) {}

Progress::~Progress() {
  clear();
}

void Progress::clear() {
  if (drawn_) std::fputs("\r\x1b[K", out_);
  drawn_ = false;
  std::fflush(out_);
}

void Progress::say(const std::string& line) {
  clear();
  std::fputs((line + "\n").c_str(), out_);
  redraw();
}

void Progress::redraw() {
  if (!terminal_ || now_doing_.empty()) {
    std::fflush(out_);
    return;
  }
  const i64 elapsed = now_ns() - began_ns_;
  const double share =
      std::clamp(static_cast<double>(elapsed) / static_cast<double>(budget_ns_), 0.0, 1.0);
  const auto full = static_cast<size_t>(share * bar_columns);
  std::string line;
  for (size_t i = 0; i < bar_columns; ++i) line += i < full ? "█" : "░";
  line += fmt::format(" at most {} left  {} (block {}", minutes(budget_ns_ - elapsed), now_doing_,
                      blocks_ + 1);
  if (questions_left_ > 0) line += fmt::format(", {} questions after this", questions_left_);
  line += ")";
  clear();
  std::fputs(cut(line, columns_ - 1).c_str(), out_);
  std::fflush(out_);
  drawn_ = true;
}

void Progress::began(const Record& record) {
  began_ns_ = now_ns();
  budget_ns_ = record.budget_ns;
  metric_ = record.metric;
  say(fmt::format("tuning {} for {} {}, {} at most\nload: {}", record.target,
                  metric_.more_is_better ? "more" : "less", plain_metric(metric_),
                  exact_duration(budget_ns_), record.load));
}

void Progress::trial_began(size_t, const Trial& trial, size_t questions_left) {
  now_doing_ = doing(trial);
  blocks_ = 0;
  questions_left_ = questions_left;
  redraw();
}

void Progress::block_done(size_t, const Trial& trial, const Block&) {
  blocks_ = trial.blocks.size();
  redraw();
}

void Progress::floor_known(const Record& record) {
  say(fmt::format("baseline: {}; noise floor ±{:.1f} %, margin {:.1f} %",
                  format_metric(record.metric, record.baseline_value),
                  record.floor.half_width * 100, record.margin * 100));
  if (!record.diagnosis.empty()) say("diagnosis: " + record.diagnosis);
  for (const std::string& note : record.notes) say("note: " + note);
}

void Progress::trial_ended(size_t, const Trial& trial) {
  if (trial.phase == Phase::noise_floor) return;
  const std::string effect =
      trial.gains().empty()
          ? ""
          : percent(shown_effect(metric_, trial.effect.log_mean)) +
                (trial.gains().size() < 2
                     ? ""
                     : " (" + percent_interval(shown_interval(metric_, trial.effect.log_ci)) + ")");
  std::string what = trial.phase == Phase::confirmation
                         ? "confirmation"
                         : fmt::format("{}: {} → {}", trial.knob, trial.from, trial.to);
  if (trial.phase == Phase::ablation) what = "left out " + what;
  const std::string verdict = trial.phase == Phase::confirmation
                                  ? (trial.kept ? "confirmed" : "not confirmed")
                                  : plain_verdict(trial);
  std::string line = fmt::format("{:<12} {}  {}", verdict, what, effect);
  const bool explains =
      trial.blocks.empty() || trial.reason.find("stopped") == 0 || trial.gains().empty();
  if (explains) line += "  " + trial.reason;
  now_doing_.clear();
  say(line);
}

}  // namespace labcoat
