#include "edge/status_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/json.h"

namespace labcoat::edge {
namespace {

struct CounterRow {
  const char* name;
  const char* help;
  Counter Counters::*counter;
};

constexpr CounterRow counter_rows[] = {
#define LABCOAT_ROW(name, help) {#name, help, &Counters::name},
    LABCOAT_EDGE_COUNTERS(LABCOAT_ROW)
#undef LABCOAT_ROW
};

u64 sum(const std::vector<std::unique_ptr<EdgeThread>>& threads, Counter Counters::*counter) {
  u64 total = 0;
  for (const auto& thread : threads) total += (thread->counters().*counter).get();
  return total;
}

// `started` was written by a worker: any value is possible, none may overflow.
i64 running_us(i64 now, i64 started) {
  const u64 ns = static_cast<u64>(now) - static_cast<u64>(started);
  return std::max<i64>(0, static_cast<i64>(ns)) / us;
}

nlohmann::json worker_rows(const channel::Mapping& mapping) {
  nlohmann::json rows = nlohmann::json::array();
  const i64 now = now_ns();
  for (u32 id = 0; id < mapping.shape().endpoints; ++id) {
    const channel::Endpoint& endpoint = mapping.endpoint(id);
    const u64 pid = endpoint.pid.load(std::memory_order_relaxed);
    if (pid == 0) continue;
    const i64 started = endpoint.started_ns.load(std::memory_order_relaxed);
    rows.push_back({{"endpoint", id},
                    {"pid", pid},
                    {"requests", endpoint.requests.load(std::memory_order_relaxed)},
                    {"busy_us", endpoint.busy_ns.load(std::memory_order_relaxed) / 1000},
                    {"current_us", started == 0 ? 0 : running_us(now, started)}});
  }
  return rows;
}

}  // namespace

bool StatusPages::ready() const {
  return !shared_.draining.load(std::memory_order_relaxed) &&
         std::all_of(shared_.channels.begin(), shared_.channels.end(),
                     [](const auto& channel) { return channel->endpoint_count() > 0; });
}

AdminPages::Page StatusPages::answer(std::string_view path) const {
  const char* text = "text/plain; charset=utf-8";
  if (path == "/health") return {200, text, "ok\n"};
  if (path == "/ready") {
    return ready() ? Page{200, text, "ready\n"} : Page{503, text, "not ready\n"};
  }
  if (path == "/status") return {200, "application/json", status_json()};
  if (path == "/metrics") return {200, "text/plain; version=0.0.4", metrics_text()};
  return {404, text, "404 Not Found: /health, /ready, /status and /metrics are here\n"};
}

std::string StatusPages::status_json() const {
  nlohmann::json status = {{"version", LABCOAT_VERSION}, {"ready", ready()}};
  for (const CounterRow& row : counter_rows) {
    status["counters"][row.name] = sum(threads_, row.counter);
  }
  if (shared_.request_log) {
    status["counters"]["access_log_dropped"] = shared_.request_log->dropped();
  }
  for (size_t i = 0; i < shared_.channels.size(); ++i) {
    status["apps"][shared_.config->apps[i].name] = {
        {"queue", shared_.channels[i]->queue_depth()},
        {"workers", worker_rows(shared_.channels[i]->mapping())}};
  }
  // Environments hold passwords: their names must do.
  config::Config shown = *shared_.config;
  for (config::App& app : shown.apps) {
    for (auto& [name, value] : app.environment) value = "(not shown)";
  }
  status["config"] = nlohmann::json::parse(config::to_json(shown), nullptr, false);
  // App names and paths come from outside: what is not UTF-8 is replaced, never thrown.
  return status.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

std::string StatusPages::metrics_text() const {
  std::string out;
  for (const CounterRow& row : counter_rows) {
    const bool gauge = row.counter == &Counters::connections_open;
    const std::string name = std::string("labcoat_") + row.name + (gauge ? "" : "_total");
    out.append("# HELP ").append(name).append(" ").append(row.help).append("\n# TYPE ");
    out.append(name).append(gauge ? " gauge\n" : " counter\n");
    out.append(name).append(" ").append(std::to_string(sum(threads_, row.counter))).append("\n");
  }
  return out;
}

}  // namespace labcoat::edge
