#include "logs/request_log.h"

#include <spdlog/spdlog.h>
#include <utility>

namespace labcoat::logs {

Result<std::unique_ptr<RequestLog>> RequestLog::open(const config::Config& config) {
  std::unique_ptr<RequestLog> log(new RequestLog(config.edge_threads));
  if (auto adopted = log->adopt(config); !adopted) return tl::unexpected(adopted.error());
  return log;
}

Status RequestLog::adopt(const config::Config& config) {
  ending_->sweep();
  auto rules = std::make_shared<LogRules>(config);
  auto access = open_one(config.access_log, "access log", config.access_log_sync);
  if (!access) return tl::unexpected(access.error());
  auto slow = open_one(config.slow_log, "slow log", config.access_log_sync);
  if (!slow) return tl::unexpected(slow.error());
  rules->access = std::move(*access);
  rules->slow = std::move(*slow);
  rules_ = std::move(rules);
  return {};
}

// What is open already has one writer only, or lines could be torn; also when it is held by nothing
// but requests that began under earlier rules.
Result<std::shared_ptr<AccessLog>> RequestLog::open_one(const std::string& target, const char* name,
                                                        bool sync) {
  if (target == "off") return std::shared_ptr<AccessLog>();
  std::erase_if(open_, [](const auto& one) { return one.expired(); });
  for (const auto& one : open_) {
    if (auto log = one.lock(); log && log->is(target, sync)) return log;
  }
  auto opened = AccessLog::open(
      {.target = target, .name = name, .sync = sync, .threads = threads_, .dropped = dropped_});
  if (!opened) {
    open_failed_.fetch_add(1, std::memory_order_relaxed);
    return tl::unexpected(opened.error());
  }
  std::shared_ptr<AccessLog> log(opened->release(), [ending = ending_](AccessLog* ended) {
    ending->take(std::unique_ptr<AccessLog>(ended));
  });
  open_.push_back(log);
  return log;
}

// Not those that only earlier rules name: they are written to their end where they are.
void RequestLog::reopen() {
  ending_->sweep();
  for (const AccessLog* done = nullptr; const auto& log : {rules_->access, rules_->slow}) {
    if (!log || log.get() == std::exchange(done, log.get())) continue;
    const auto reopened = log->reopen();
    if (reopened) continue;
    open_failed_.fetch_add(1, std::memory_order_relaxed);
    spdlog::error(
        "{}; lines go on into what was open before: mend its folder or its permissions, then send "
        "USR1 again",
        reopened.error().text);
  }
}

}  // namespace labcoat::logs
