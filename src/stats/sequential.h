// SequentialTest stops a comparison as soon as it is clear, and still errs in at most 5 % of all
// comparisons. It looks after 4, 6, 8, 12, 16 blocks (say), each time with an interval widened for
// that look, so that all intervals of a comparison hold the true effect together with the promised
// confidence (repeated confidence intervals, Jennison and Turnbull, "Group Sequential Methods",
// 2000, chapter 9). Better, worse and equivalent are read from that interval, so they share the one
// error budget. It may also give up early when the blocks left can hardly settle the matter.
// The levels come from spending.h and are applied to Student's t with n-1 degrees of freedom (the
// significance-level approach, same book, section 4.4), somewhat tightened because that approach is
// slightly too generous with so few blocks; sequential_test.cc checks the promise by simulation.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "stats/effect.h"
#include "stats/verdict.h"

namespace labcoat {

struct SequentialDesign {
  double margin = 0.03;      // relative, 0 < margin < 1
  double confidence = 0.95;  // of all looks together
  // Numbers of blocks, growing; the first at least blocks_min.
  std::vector<size_t> looks = {4, 6, 8, 12, 16};
  // Give up when the chance of a verdict from the blocks left falls below this; 0 never gives up.
  double give_up_below = 0.05;

  static constexpr size_t blocks_min = 4;
};

// Looks at blocks_min, then in steps growing by about half, the last at `blocks_max`: what a budget
// of so many blocks allows. blocks_max >= blocks_min.
std::vector<size_t> looks_until(size_t blocks_max);

enum class Look {
  go_on,      // gather blocks until next_look()
  decided,    // better, worse or equivalent
  given_up,   // inconclusive, and the blocks left would hardly change that
  exhausted,  // inconclusive at the last look
};
// "go on", "decided", "given up", "exhausted"
std::string_view look_name(Look look);

struct Decision {
  Look look = Look::go_on;
  Verdict verdict = Verdict::inconclusive;  // as the interval stands, also while going on
  PairedEffect effect;  // its log_ci is widened for this look, its confidence is the look's own
  double chance = 0;    // that a verdict is reached by the last look, as far as one can tell now

  bool stop() const { return look != Look::go_on; }
};

// A value: copy a fresh one to run many comparisons of one design (making one costs milliseconds,
// copying does not).
class SequentialTest {
 public:
  explicit SequentialTest(SequentialDesign design);

  // The number of blocks to have gathered for the next look; 0 when the comparison is over.
  size_t next_look() const;
  size_t blocks_max() const { return design_.looks.back(); }

  // `log_ratios`: all blocks so far, in the order they were run, exactly next_look() of them.
  Decision look(std::span<const double> log_ratios);
  // The last look at whatever there is, because the budget ended (not because of how the data look,
  // which would void the promise). Spends all error left over. More blocks than at the previous
  // look; fewer than blocks_min, or no blocks since the previous look, are inconclusive with the
  // interval that was already held.
  Decision last_look(std::span<const double> log_ratios);

 private:
  Decision judge(std::span<const double> log_ratios, double alpha, bool last);
  double chance_of_verdict(const PairedEffect& effect) const;

  SequentialDesign design_;
  std::vector<double> alphas_;  // nominal level of each look of the design
  size_t looks_taken_ = 0;
  bool over_ = false;
  Decision latest_;
};

}  // namespace labcoat
