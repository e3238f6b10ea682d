#include "logs/thread_log.h"

#include <algorithm>
#include <utility>

#include "base/held_apart.h"

namespace labcoat::logs {

ThreadLog::ThreadLog(std::shared_ptr<const LogRules> rules, int thread) : thread_(thread) {
  adopt(std::move(rules));
}

void ThreadLog::adopt(std::shared_ptr<const LogRules> rules) {
  hand_over();
  rules_ = held_apart(std::move(rules));
  on_ = rules_ && rules_->is_on();
  spare_.clear();
}

std::unique_ptr<LogNotes> ThreadLog::note(const http::RequestHead& head) {
  std::unique_ptr<LogNotes> notes;
  if (spare_.empty()) {
    notes = std::make_unique<LogNotes>();
    notes->rules = rules_;
  } else {
    notes = std::move(spare_.back());
    spare_.pop_back();
  }
  rules_->format.note(head, *notes);
  return notes;
}

bool ThreadLog::belongs_into_access_log(const LogRules& rules, const LogFacts& facts) {
  if (!rules.access || facts.status < rules.status_min) return false;
  if (facts.status >= 500 || rules.sample <= 1) return true;
  if (++unsampled_ < rules.sample) return false;
  unsampled_ = 0;
  return true;
}

void ThreadLog::write(const LogFacts& facts, std::unique_ptr<LogNotes> notes) {
  if (notes && notes->rules != rules_) return write_by_earlier_rules(facts, *notes);
  const LogRules& rules = *rules_;
  if (belongs_into_access_log(rules, facts)) {
    rules.format.append(facts, notes.get(), clock_, access_lines_);
  }
  if (rules.slow && facts.total_us >= rules.slow_us) {
    rules.format.append(facts, notes.get(), clock_, slow_lines_);
  }
  const size_t waiting = std::max(access_lines_.text().size(), slow_lines_.text().size());
  if (rules.sync || waiting >= waiting_bytes_max) hand_over();
  if (!notes || spare_.size() >= spare_notes_max) return;
  if (notes->bytes.size() > spare_bytes_max) return;
  spare_.push_back(std::move(notes));
}

// Few, and none soon: each goes by itself.
void ThreadLog::write_by_earlier_rules(const LogFacts& facts, const LogNotes& notes) {
  const LogRules& rules = *notes.rules;
  LogLines line;
  rules.format.append(facts, &notes, clock_, line);
  if (belongs_into_access_log(rules, facts)) rules.access->write(thread_, line.text());
  if (rules.slow && facts.total_us >= rules.slow_us) rules.slow->write(thread_, line.text());
}

void ThreadLog::hand_over() {
  const auto hand_over_to = [this](AccessLog* log, LogLines& lines) {
    if (lines.text().empty()) return;
    log->write(thread_, lines.text());
    lines.clear();
  };
  if (!on_) return;
  hand_over_to(rules_->access.get(), access_lines_);
  hand_over_to(rules_->slow.get(), slow_lines_);
}

}  // namespace labcoat::logs
