#include "logs/log_rules.h"

namespace labcoat::logs {
namespace {

int lowest_status(const std::string& only) {
  return only == "errors" ? 400 : only == "server_errors" ? 500 : 0;
}

}  // namespace

LogRules::LogRules(const config::Config& config)
    : format(LineFormat::compile(config.access_log_format)),
      status_min(lowest_status(config.access_log_only)),
      sample(config.access_log_sample),
      sync(config.access_log_sync),
      slow_us(config.slow_log_threshold_ns / us) {}

}  // namespace labcoat::logs
