// Budget deals out a study's time. The budget is a promise about the whole study, confirmation
// included, so each question may use only what is left once the end of the study has been set
// aside; what a quick answer saves goes to the later ones.
#pragma once

#include <cstddef>

#include "base/clock.h"

namespace labcoat {

// Times are nanoseconds of the study's clock. Not thread-safe.
class Budget {
 public:
  static constexpr size_t noise_blocks = 6;
  static constexpr size_t blocks_min = 4;  // of any comparison: fewer cannot lead to a verdict
  // Rather fewer questions with a chance of an answer than many without.
  static constexpr size_t question_blocks_least = 6;
  static constexpr size_t question_blocks_max = 12;
  static constexpr size_t ablation_blocks_max = 8;
  static constexpr size_t confirmation_blocks_min = 6;
  static constexpr size_t confirmation_blocks_max = 12;

  Budget(i64 start_ns, i64 total_ns);

  // A block took so long; what blocks will take is learnt from these.
  void block_took(i64 elapsed_ns);
  i64 block_ns() const { return block_ns_; }

  i64 left_ns(i64 now) const { return end_ns_ - now; }
  // Blocks of the A/A, given that one block has been timed.
  size_t noise_plan(i64 now) const;
  // The most blocks the next question may use, 0 when there is no time for it; `left` counts it and
  // all after it.
  size_t question_plan(i64 now, size_t left, size_t kept) const;
  size_t ablation_plan(i64 now, size_t left) const;
  size_t confirmation_plan(i64 now) const;
  // Whether one more block still fits before the time set aside for `blocks_after` others.
  bool fits(i64 now, size_t blocks_after) const;

  // The blocks set aside for the end when so many changes have been kept.
  static size_t reserved_blocks(size_t kept);

 private:
  i64 end_ns_;
  i64 total_ns_;
  i64 block_ns_ = 0;
};

}  // namespace labcoat
