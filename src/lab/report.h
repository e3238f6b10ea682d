// Report: a record as files and words for people and programs. Everything is drawn from the record;
// nothing is measured here.
#pragma once

#include <string>

#include "lab/record.h"
#include "lab/study_file.h"
#include "lab/target.h"

namespace labcoat {

// labcoat.tune/1, as DESIGN.md section 7.4 has it.
std::string report_json(const Record& record);
// Written for a reader who was not there: what was asked, how, what came out, what to do with it.
std::string report_markdown(const Record& record);
// The same with drawings, one file without outside resources, light and dark.
std::string report_html(const Record& record);
// The ending table of `labcoat tune`. `out` is the folder to name.
std::string report_text(const Record& record, const std::string& out);

// report.md, report.html, best.toml and report.json in `out`.
Status write_reports(const Record& record, const Target& target, const StudyRequest& request,
                     const std::string& out);

// Words shared by the reports.
std::string percent(double relative);                    // "+12.3 %"
std::string percent_interval(const Interval& relative);  // "+10.1 … +14.6 %"
std::string plain_verdict(const Trial& trial);           // "better: kept", "no difference", …
std::string plain_metric(const Metric& metric);          // "requests per second"
std::string headline(const Record& record);              // one sentence: what came out

}  // namespace labcoat
