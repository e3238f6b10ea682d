// Application: a user's labcoat.toml on its way through the laboratory. What it says now is the
// baseline, a copy of it is what the arms are started with, and what was found goes into another
// copy, or back into the file itself.
#pragma once

#include <string>

#include "lab/knob.h"
#include "lab/study_file.h"

namespace labcoat {

// What labcoat's own knobs stand at for this request: the file's values, else the defaults. The
// error is the one that `labcoat serve` would give.
Result<KnobValues> knobs_of_application(const StudyRequest& request,
                                        const std::vector<Knob>& knobs);

// The configuration with `changes`, as a complete labcoat.toml that may lie in any folder: relative
// paths are made absolute. A request without a file gets one that serves its MODULE:CALLABLE.
// `for_arm` leaves out the admin listener, which two servers cannot both have.
Result<std::string> configuration_text(const StudyRequest& request, const KnobValues& changes,
                                       bool for_arm);

// Writes `changes` into the user's own file, keeping the old one beside it; the name of that
// backup, or "" when there was no file and one was made.
Result<std::string> apply_changes(const StudyRequest& request, const KnobValues& changes);

}  // namespace labcoat
