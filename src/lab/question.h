// Question: "would the application be better off with this knob there?". The plan is the list of
// questions a study asks, each a change against the baseline; which come first depends on what the
// baseline waits for.
#pragma once

#include <string>
#include <vector>

#include "lab/target.h"

namespace labcoat {

struct Question {
  std::string knob;  // the knob, or several joined by "+" when they move together
  std::string why;
  std::string expect;
  KnobValues changes;
};

struct LevelLimit {
  i64 memory_bytes = 0;    // what the machine has to give; 0: unknown
  i64 baseline_bytes = 0;  // what the baseline's server took; 0: unknown
  int cpus = 1;
  i64 descriptors = 0;  // this process may open; 0: unknown
};

// What the baseline waits for, as far as a look from outside can tell.
enum class Bottleneck { cpu, waiting, failing };
struct Diagnosis {
  Bottleneck bottleneck = Bottleneck::cpu;
  std::string sentence;
};
// `other_cpus` are in use by programs that have nothing to do with the study.
Diagnosis diagnose(double server_cpus, double generator_cpus, double other_cpus, int cpus,
                   double error_share);

// One question for each level of each knob of `asked`, against `baseline`. Knobs of one group
// become one question a level.
// `all` are the target's knobs: what a question needs may be a knob that is not asked about.
std::vector<Question> plan_questions(const std::vector<Knob>& asked, const std::vector<Knob>& all,
                                     const std::vector<Need>& needs, const KnobValues& baseline);

// Stable: questions about knobs in `first` come in its order, then the others.
void order_questions(std::vector<Question>& questions, const std::vector<std::string>& first);

// Why a question must not be asked on this machine, or "": more memory or descriptors than there
// are.
std::string unsafe_by_size(const Question& question, const std::vector<Knob>& knobs,
                           const KnobValues& baseline, const LevelLimit& limit);

// The knobs to ask about: the named ones (each must exist), or all except those that must be named.
Result<std::vector<Knob>> choose_knobs(const std::vector<Knob>& knobs,
                                       const std::vector<std::string>& named);

// "4" -> 4, "auto" -> cpus, "auto*2" and "auto/2" accordingly; 0 when it is no number.
double number_of_level(const std::string& level, int cpus);

}  // namespace labcoat
