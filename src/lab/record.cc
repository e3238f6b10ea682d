#include "lab/record.h"

#include <algorithm>
#include <cmath>

namespace labcoat {

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::noise_floor:
      return "noise_floor";
    case Phase::question:
      return "question";
    case Phase::ablation:
      return "ablation";
    case Phase::confirmation:
      return "confirmation";
  }
  return "";
}

std::vector<double> Trial::gains() const {
  std::vector<double> out;
  for (const Block& block : blocks) {
    if (block.log_gain) out.push_back(*block.log_gain);
  }
  return out;
}

ArmSample Trial::total_a() const {
  ArmSample sum;
  for (const Block& block : blocks) sum.merge(block.a);
  return sum;
}

ArmSample Trial::total_b() const {
  ArmSample sum;
  for (const Block& block : blocks) sum.merge(block.b);
  return sum;
}

// Something kept but not confirmed, or nothing kept while most questions stayed open.
bool Record::cannot_tell() const {
  if (confirmation) return !confirmed && confirmation->verdict == Verdict::inconclusive;
  const auto open = std::count_if(trials.begin(), trials.end(), [](const Trial& trial) {
    return trial.verdict == Verdict::inconclusive;
  });
  return trials.empty() || 2 * static_cast<size_t>(open) > trials.size();
}

double shown_effect(const Metric& metric, double log_gain) {
  return metric.more_is_better ? std::expm1(log_gain) : -std::expm1(-log_gain);
}

Interval shown_interval(const Metric& metric, Interval log_gain) {
  return {shown_effect(metric, log_gain.lower), shown_effect(metric, log_gain.upper)};
}

}  // namespace labcoat
