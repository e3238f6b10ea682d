// Study is the laboratory's loop: find the noise floor, ask one question at a time and keep what
// pays, leave each kept change out again, and confirm what is left on fresh restarts. It decides
// only; measuring is behind Measurer.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <vector>

#include "lab/budget.h"
#include "lab/measurer.h"
#include "lab/question.h"
#include "stats/sequential.h"

namespace labcoat {

struct StudyPlan {
  Record record;  // what is known before: target, metric, seed, budget, baseline, …; margin 0:
                  // derive it
  std::vector<Question> questions;
  std::vector<Guard> guards;
  // Called once with the baseline's measurement: puts the questions in order, takes the unsafe ones
  // out (with a note in the record) and fills in the diagnosis. May be empty.
  std::function<void(Record&, std::vector<Question>&)> diagnose;
};

class Study {
 public:
  // Measurer and observer outlive the study. `stop` may be set by a signal handler: the study then
  // ends with what it has.
  Study(StudyPlan plan, Measurer& measurer, Observer& observer, const std::atomic<bool>& stop);

  // The record of the whole study. An Error means that not even a baseline could be measured.
  Result<Record> run();

 private:
  Status find_noise_floor();
  Status ask_questions();
  Status ask(const Question& question, size_t blocks_max, size_t left);
  Status leave_out_each();
  Status confirm();
  void note_time_out(const Question& question);

  // Compares until the sequential test is satisfied, the time is over or arm B proves unsafe.
  // `blocks_after` must still fit into the budget afterwards.
  Status compare(Trial& trial, const KnobValues& a, const KnobValues& b, size_t blocks_max,
                 size_t blocks_after, size_t questions_left);
  // Exactly so many blocks, no looks in between.
  Status measure_blocks(Trial& trial, const KnobValues& a, const KnobValues& b, size_t blocks,
                        size_t blocks_after);
  Result<bool> one_block(Trial& trial, const KnobValues& a, const KnobValues& b);
  void settle(Trial& trial, const Decision& decision);
  const SequentialTest& fresh_test(size_t blocks_max);
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  KnobValues with(const KnobValues& changes) const;

  StudyPlan plan_;
  Record record_;
  Measurer& measurer_;
  Observer& observer_;
  const std::atomic<bool>& stop_;
  i64 started_ns_;
  Budget budget_;
  KnobValues current_;  // the baseline with everything kept so far
  size_t trial_index_ = 0;
  size_t kept_ = 0;
  std::map<size_t, SequentialTest> tests_;  // by blocks_max: making one costs milliseconds
};

}  // namespace labcoat
