// Record: everything a study found out, in the order it found it. The notebook stores it as it
// grows; the report, the JSON and the ending table are drawn from it.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "lab/knob.h"
#include "lab/metric.h"
#include "stats/effect.h"
#include "stats/noise_floor.h"
#include "stats/order.h"
#include "stats/verdict.h"

namespace labcoat {

enum class Phase { noise_floor, question, ablation, confirmation };
const char* phase_name(Phase phase);

// One turn of one arm.
struct Slice {
  Arm arm = Arm::a;
  i64 start_ns = 0;  // since the block began
  ArmSample sample;
};

// How a block ended.
enum class BlockEnd {
  complete,
  unsafe,       // arm B was stopped by a safety rule
  not_started,  // arm B's server did not start, or died
  interrupted,  // the user wants to stop
};

struct Block {
  BlockEnd end = BlockEnd::complete;
  std::string reason;  // of an end that is not complete
  ArmSample a;
  ArmSample b;
  std::vector<Slice> slices;
  // ln of how much better B was than A: positive means improved, whatever the metric's direction.
  std::optional<double> log_gain;
  i64 elapsed_ns = 0;     // restarts and warm-up included
  double other_cpus = 0;  // CPUs that programs outside the study used meanwhile
  u64 seed = 0;
};

// One comparison: B changes something about A.
struct Trial {
  Phase phase = Phase::question;
  std::string knob;  // "workers", or "access_log+access_log_sync"
  std::string from;
  std::string to;
  std::string why;
  std::string expect;
  KnobValues changes;  // what B sets
  std::vector<Block> blocks;
  PairedEffect effect;  // on the log scale of log_gain; log_ci as the sequential test judged it
  Verdict verdict = Verdict::inconclusive;
  bool kept =
      false;  // of a question: B became the baseline. Of an ablation: the change was dropped
  std::string reason;  // one sentence
  i64 elapsed_ns = 0;

  // The gains of the blocks that have one.
  std::vector<double> gains() const;
  ArmSample total_a() const;
  ArmSample total_b() const;
};

struct Environment {
  std::vector<std::pair<std::string, std::string>> facts;  // "cpu" -> "…", in the order to show
};

struct Record {
  std::string target;
  std::string command;  // how to run this study again
  std::string load;     // one sentence
  Metric metric;
  double margin = 0;
  bool margin_chosen = false;  // by the user; else derived from the noise floor
  i64 budget_ns = 0;
  u64 seed = 0;
  Environment environment;
  std::vector<std::string> guards;

  KnobValues baseline;  // every knob of the target
  Trial noise;          // A/A
  NoiseFloor floor;
  double baseline_value = 0;
  Interval baseline_ci;  // over the A/A's blocks
  ArmSample baseline_sample;
  std::string diagnosis;  // one sentence on what the baseline waits for
  std::vector<Trial> trials;
  std::vector<Trial> ablation;
  std::optional<Trial> confirmation;
  KnobValues found;        // the changes that survived search and ablation
  KnobValues recommended;  // the same when confirmed, else empty
  bool confirmed = false;
  bool interrupted = false;
  std::vector<std::string> notes;  // things a reader must know: time ran out, generator busy, …
  i64 elapsed_ns = 0;

  bool cannot_tell() const;
};

// "0.12" for 12 % better: relative, positive where the metric improved, whichever way that is.
double shown_effect(const Metric& metric, double log_gain);
Interval shown_interval(const Metric& metric, Interval log_gain);

}  // namespace labcoat
