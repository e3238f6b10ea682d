// StudyFile: what a person asks of the laboratory, in study.toml or in the words after `labcoat
// tune`. docs/tune.md explains every key.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "lab/knob.h"
#include "lab/load.h"

namespace labcoat {

struct StudyRequest {
  std::string target = "labcoat";
  std::string callable;   // MODULE:CALLABLE, or empty
  std::string config;     // absolute path of the configuration to improve, or empty
  std::string directory;  // absolute: where the application lies
  std::string python;     // interpreter to use, or empty
  Load load;              // no URLs: what the target's workload says
  std::string metric;     // empty: rps in the closed loop, p99 in the open loop
  bool minimize = false;  // as the user wrote it; checked against the metric
  bool direction_given = false;
  std::vector<Guard> guards;
  double margin = 0;  // 0: derived from the noise floor
  i64 budget_ns = 300 * seconds;
  std::optional<u64> seed;
  std::vector<std::string> knobs;  // empty: all that need no naming
  KnobValues baseline;             // values that differ from the target's defaults
};

// Errors name file, line, key and the nearest known key. Paths in the file begin in its folder.
Result<StudyRequest> read_study_file(const std::string& path);

// Fills in what app = "…" or the word on the command line means: MODULE:CALLABLE or a labcoat.toml.
// Relative paths begin in `directory` (absolute). The error says what was expected.
Status take_application(StudyRequest& request, const std::string& word,
                        const std::string& directory);

// "3%" or "0.03": above 0 and below 50 %.
Result<double> parse_margin(const std::string& text);
// At least ten seconds.
Result<i64> parse_budget(const std::string& text);

}  // namespace labcoat
