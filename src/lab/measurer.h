// Measurer is the seam between deciding and measuring: the study says which two configurations to
// compare, a measurer runs one block of them. In production that is BlockRunner; in tests a
// simulation with a known truth.
#pragma once

#include <string>

#include "lab/record.h"

namespace labcoat {

class Measurer {
 public:
  virtual ~Measurer() = default;

  // Runs one block, both arms freshly started; `seed` decides the order of turns. An Error means
  // that the study cannot go on (arm A does not start any more); trouble of arm B alone is in the
  // block.
  virtual Result<Block> measure(const KnobValues& a, const KnobValues& b, u64 seed) = 0;

  // CLOCK_MONOTONIC, or a simulated one.
  virtual i64 now() const = 0;
};

// What watches a study as it goes: the notebook and the progress line. Every call comes before the
// study acts on it.
class Observer {
 public:
  virtual ~Observer() = default;

  virtual void began(const Record&) {}
  // A sentence about what is done next, for the journal.
  virtual void journal(const std::string&) {}
  // `index` counts the trials of the whole study, from 0; `questions_left` are those after this
  // one.
  virtual void trial_began(size_t, const Trial&, size_t) {}
  virtual void block_done(size_t, const Trial&, const Block&) {}
  virtual void trial_ended(size_t, const Trial&) {}
  // The noise floor and with it the margin are known.
  virtual void floor_known(const Record&) {}
  virtual void ended(const Record&) {}
};

}  // namespace labcoat
