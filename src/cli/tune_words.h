// The words after `labcoat tune`, put over what the study file says.
#pragma once

#include <string>

#include "base/result.h"
#include "lab/laboratory.h"

namespace labcoat {

struct TuneJob {
  LaboratoryJob laboratory;
  std::string json;  // a path, "-" or nothing
  bool apply = false;
  std::string help;  // not empty: the user asked for this text and nothing else
};

// argv[0] is "tune". Everything that can be known to be wrong from words and study file alone is an
// error here.
Result<TuneJob> read_tune_words(int argc, char** argv);

}  // namespace labcoat
