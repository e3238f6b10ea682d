// LogRules: what one configuration says of the logs, with the logs themselves: which answered
// requests get a line in which of them, and what stands in it. One format for both: the access log,
// and the log of slow requests.
#pragma once

#include <memory>

#include "config/config.h"
#include "logs/access_log.h"
#include "logs/log_line.h"

namespace labcoat::logs {

// Read-only; shared by all edge threads, and by the requests that began by it.
struct LogRules {
  explicit LogRules(const config::Config& config);

  bool is_on() const { return access != nullptr || slow != nullptr; }

  const LineFormat format;
  const int status_min;  // of the access log
  const int sample;      // one of so many lines, but for errors of ours
  const bool sync;
  const i64 slow_us;
  // Or none. Rules that follow one another share a log whose name has not changed; it ends with the
  // last of them.
  std::shared_ptr<AccessLog> access, slow;
};

}  // namespace labcoat::logs
