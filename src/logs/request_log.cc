#include "logs/request_log.h"

#include <algorithm>
#include <spdlog/spdlog.h>
#include <utility>

namespace labcoat::logs {
namespace {

int lowest_status(const std::string& only) {
  return only == "errors" ? 400 : only == "server_errors" ? 500 : 0;
}

Result<std::unique_ptr<AccessLog>> open_one(const config::Config& config, const std::string& target,
                                            const char* name) {
  if (target == "off") return std::unique_ptr<AccessLog>();
  return AccessLog::open({.target = target,
                          .name = name,
                          .sync = config.access_log_sync,
                          .threads = config.edge_threads});
}

}  // namespace

RequestLog::RequestLog(const config::Config& config)
    : format_(LineFormat::compile(config.access_log_format)),
      status_min_(lowest_status(config.access_log_only)),
      sample_(config.access_log_sample),
      sync_(config.access_log_sync),
      slow_us_(config.slow_log_threshold_ns / us) {}

Result<std::unique_ptr<RequestLog>> RequestLog::open(const config::Config& config) {
  if (config.access_log == "off" && config.slow_log == "off") return std::unique_ptr<RequestLog>();
  std::unique_ptr<RequestLog> log(new RequestLog(config));
  auto access = open_one(config, config.access_log, "access log");
  if (!access) return tl::unexpected(access.error());
  log->access_ = std::move(*access);
  auto slow = open_one(config, config.slow_log, "slow log");
  if (!slow) return tl::unexpected(slow.error());
  log->slow_ = std::move(*slow);
  return log;
}

void RequestLog::reopen() {
  for (AccessLog* const log : {access_.get(), slow_.get()}) {
    if (log == nullptr) continue;
    const auto reopened = log->reopen();
    if (reopened) continue;
    reopen_failed_.fetch_add(1, std::memory_order_relaxed);
    spdlog::error(
        "{}; lines go on into what was open before: mend its folder or its permissions, then send "
        "USR1 again",
        reopened.error().text);
  }
}

u64 RequestLog::dropped() const {
  return (access_ ? access_->dropped() : 0) + (slow_ ? slow_->dropped() : 0);
}

std::unique_ptr<LogNotes> ThreadLog::note(const http::RequestHead& head) {
  std::unique_ptr<LogNotes> notes;
  if (spare_.empty()) {
    notes = std::make_unique<LogNotes>();
  } else {
    notes = std::move(spare_.back());
    spare_.pop_back();
  }
  log_.format_.note(head, *notes);
  return notes;
}

bool ThreadLog::belongs_into_access_log(const LogFacts& facts) {
  if (!log_.access_ || facts.status < log_.status_min_) return false;
  if (facts.status >= 500 || log_.sample_ <= 1) return true;
  if (++unsampled_ < log_.sample_) return false;
  unsampled_ = 0;
  return true;
}

void ThreadLog::write(const LogFacts& facts, std::unique_ptr<LogNotes> notes) {
  if (belongs_into_access_log(facts)) {
    log_.format_.append(facts, notes.get(), clock_, access_lines_);
  }
  if (log_.slow_ && facts.total_us >= log_.slow_us_) {
    log_.format_.append(facts, notes.get(), clock_, slow_lines_);
  }
  const size_t waiting = std::max(access_lines_.text().size(), slow_lines_.text().size());
  if (log_.sync_ || waiting >= waiting_bytes_max) hand_over();
  if (!notes || spare_.size() >= spare_notes_max) return;
  if (notes->bytes.size() > spare_bytes_max) return;
  spare_.push_back(std::move(notes));
}

void ThreadLog::hand_over() {
  const auto hand_over_to = [this](AccessLog* log, LogLines& lines) {
    if (lines.text().empty()) return;
    log->write(thread_, lines.text());
    lines.clear();
  };
  hand_over_to(log_.access_.get(), access_lines_);
  hand_over_to(log_.slow_.get(), slow_lines_);
}

}  // namespace labcoat::logs
