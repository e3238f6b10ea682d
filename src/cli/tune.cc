// labcoat tune: runs a study and prints what came out.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/command.h"
#include "cli/tune_words.h"
#include "lab/application.h"
#include "lab/progress.h"
#include "lab/report.h"

namespace labcoat {
namespace {

// The only global of this command: a signal handler can reach nothing else.
std::atomic<bool> stop_requested{false};

// The first signal ends the study in order. A second one ends the program; the keepers then kill
// the servers.
void request_stop(int signal) {
  if (stop_requested.exchange(true)) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
  }
}

int terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 80;
}

int apply(const TuneJob& job, const Record& record) {
  if (record.recommended.empty()) {
    std::fputs("  applied      nothing: there is no confirmed improvement\n", stderr);
    return exit_ok;
  }
  auto backup = apply_changes(job.laboratory.request, record.recommended);
  if (!backup) {
    std::fprintf(stderr, "labcoat tune: %s\n", backup.error().text.c_str());
    return exit_failed;
  }
  const std::string said = backup->empty() ? "wrote labcoat.toml"
                                           : fmt::format("changed {}; the old one is {}",
                                                         job.laboratory.request.config, *backup);
  std::fprintf(stderr, "  applied      %s\n", said.c_str());
  return exit_ok;
}

int finish(const TuneJob& job, const Record& record) {
  const std::string table = report_text(record, job.laboratory.out);
  // With the JSON on stdout, the table for people goes beside it.
  std::fputs(table.c_str(), job.json == "-" ? stderr : stdout);
  std::fflush(stdout);
  if (job.json == "-") {
    std::fputs(report_json(record).c_str(), stdout);
  } else if (!job.json.empty()) {
    if (auto status = write_file(job.json, report_json(record)); !status) {
      std::fprintf(stderr, "labcoat tune: --json: %s\n", status.error().text.c_str());
      return exit_failed;
    }
  }
  if (record.interrupted) return exit_failed;
  if (job.apply) {
    if (const int code = apply(job, record); code != exit_ok) return code;
  }
  return record.cannot_tell() ? exit_cannot_tell : exit_ok;
}

}  // namespace

int tune_command(int argc, char** argv) {
  auto job = read_tune_words(argc, argv);
  if (!job) return usage_error("tune", job.error().text);
  if (!job->help.empty()) {
    std::fputs(job->help.c_str(), stdout);
    return exit_ok;
  }
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, request_stop);
  std::signal(SIGTERM, request_stop);
  tl::expected<Record, LaboratoryError> record;
  {
    Progress progress(stderr, isatty(STDERR_FILENO) != 0, terminal_columns());
    record = run_laboratory(job->laboratory, progress, stop_requested);
  }
  if (!record) {
    if (!record.error().started) return usage_error("tune", record.error().text);
    std::fprintf(stderr, "labcoat tune: %s\n", record.error().text.c_str());
    return exit_failed;
  }
  return finish(*job, *record);
}

}  // namespace labcoat
