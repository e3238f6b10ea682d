// Laboratory puts a study together: it reads the target, finds what the application stands at, runs
// the study with a notebook, and leaves report, best configuration and JSON in the study's folder.
#pragma once

#include <atomic>
#include <string>

#include "lab/measurer.h"
#include "lab/record.h"
#include "lab/study_file.h"

namespace labcoat {

struct LaboratoryJob {
  StudyRequest request;
  std::string out = "labcoat-lab";  // folder for what the study leaves
  std::string command;              // the user's words, for the report
  std::string program_version;
};

// Errors that were known before anything was started are the user's words or files; `started` tells
// them apart.
struct LaboratoryError {
  std::string text;
  bool started = false;
};

// `progress` watches beside the notebook. `stop` may be set by a signal handler; the record then
// says so, and the report holds what there was.
tl::expected<Record, LaboratoryError> run_laboratory(const LaboratoryJob& job, Observer& progress,
                                                     const std::atomic<bool>& stop);

}  // namespace labcoat
