// labcoat.tune/1: the same facts for programs.
#include <cmath>
#include <nlohmann/json.hpp>

#include "lab/report.h"

namespace labcoat {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinity; an interval that is not known is [null, null].
Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json(nullptr);
}
Json interval(const Interval& value) {
  return Json::array({number(value.lower), number(value.upper)});
}

Json effect_of(const Record& record, const Trial& trial) {
  if (trial.gains().empty()) return nullptr;
  return number(shown_effect(record.metric, trial.effect.log_mean));
}

Json interval_of(const Record& record, const Trial& trial) {
  if (trial.gains().size() < 2) return Json::array({nullptr, nullptr});
  return interval(shown_interval(record.metric, trial.effect.log_ci));
}

Json trial_json(const Record& record, const Trial& trial) {
  return {{"knob", trial.knob},
          {"from", trial.from},
          {"to", trial.to},
          {"why", trial.why},
          {"blocks", trial.gains().size()},
          {"effect", effect_of(record, trial)},
          {"ci", interval_of(record, trial)},
          {"verdict", std::string(verdict_name(trial.verdict))},
          {"kept", trial.kept},
          {"reason", trial.reason}};
}

Json ablation_json(const Record& record, const Trial& trial) {
  return {{"knob", trial.knob},
          {"effect_of_removal", effect_of(record, trial)},
          {"ci", interval_of(record, trial)},
          {"verdict", std::string(verdict_name(trial.verdict))},
          {"dropped", trial.kept}};
}

Json final_json(const Record& record) {
  KnobValues config = record.baseline;
  for (const auto& [name, value] : record.found) config[name] = value;
  if (!record.confirmation) {
    // Nothing changed, so the effect is none, exactly.
    return {{"config", record.baseline},
            {"effect", 0.0},
            {"ci", Json::array({0.0, 0.0})},
            {"confirmed", false},
            {"restarts", size_t{0}}};
  }
  return {{"config", config},
          {"effect", effect_of(record, *record.confirmation)},
          {"ci", interval_of(record, *record.confirmation)},
          {"confirmed", record.confirmed},
          {"restarts", record.confirmation->gains().size()}};
}

}  // namespace

std::string report_json(const Record& record) {
  Json out;
  out["schema"] = "labcoat.tune/1";
  out["target"] = record.target;
  out["objective"] = {{"metric", record.metric.name},
                      {"direction", record.metric.more_is_better ? "maximize" : "minimize"}};
  out["margin"] = record.margin;
  out["noise_floor"] = {{"blocks", record.floor.blocks},
                        {"half_width", number(record.floor.half_width)},
                        {"detectable", number(record.floor.detectable)}};
  out["baseline"] = {{"config", record.baseline},
                     {"value", number(record.baseline_value)},
                     {"ci", interval(record.baseline_ci)}};
  out["trials"] = Json::array();
  for (const Trial& trial : record.trials) out["trials"].push_back(trial_json(record, trial));
  out["ablation"] = Json::array();
  for (const Trial& trial : record.ablation)
    out["ablation"].push_back(ablation_json(record, trial));
  out["final"] = final_json(record);
  out["elapsed_s"] = static_cast<double>(record.elapsed_ns) / seconds;
  return out.dump(2) + "\n";
}

}  // namespace labcoat
