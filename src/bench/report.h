// The report of one run: a table for people and the JSON of schema labcoat.bench/1 for programs.
// Pure: numbers in, text out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/generator.h"

namespace labcoat::bench {

struct Report {
  std::string url;  // as the user wrote it
  LoadOptions options;
  i64 warmup_ns = 0;
  SliceResult result;
  std::optional<double> ceiling_rps;         // when it was calibrated
  std::vector<std::string> invalid_reasons;  // empty: valid
  std::vector<std::string> gates;            // sentences of --fail-if
  bool interrupted = false;                  // the user stopped the run early
};

// No answer, or only 5xx: there is nothing to compare.
bool every_request_failed(const SliceResult& result);

// Ends with a newline. `color`: with terminal escapes.
std::string text_report(const Report& report, bool color);
// DESIGN.md section 7.3. Latencies are null where there is no answer, p999 also below
// p999_answers_min answers; "interrupted" is there only when it is true. Ends with a newline.
std::string json_report(const Report& report);

}  // namespace labcoat::bench
