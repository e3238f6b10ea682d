#include "edge/metrics_page.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "channel/recent_times_json.h"
#include "edge/exposition.h"

namespace labcoat::edge {
namespace {

using Kind = Exposition::Kind;
using Json = nlohmann::json;

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

constexpr std::string_view classes[RouteCounters::classes] = {"2xx", "3xx", "4xx", "5xx"};
constexpr size_t bucket_count = DurationBuckets::bounds_us.size() + 1;

u64 sum(const EdgeThreads& threads, Counter Counters::*counter) {
  u64 total = 0;
  for (const auto& thread : threads) total += (thread->counters().*counter).get();
  return total;
}

bool is_gauge(const CounterRow& row) {
  return std::string_view(row.name).ends_with("_open");
}

struct Durations {
  std::array<u64, bucket_count> counts{};
  u64 sum_us = 0;

  void add(const DurationBuckets& one) {
    for (size_t i = 0; i < bucket_count; ++i) counts[i] += one.count(i);
    sum_us += one.sum_us();
  }
  u64 count() const {
    u64 all = 0;
    for (const u64 one : counts) all += one;
    return all;
  }
};

struct RouteSums {
  std::string name;
  std::array<u64, RouteCounters::classes> answers{};
  u64 body_bytes = 0;
  Durations duration, queue_wait;

  void add(const RouteCounters& row) {
    for (size_t i = 0; i < answers.size(); ++i) answers[i] += row.answers[i].get();
    body_bytes += row.body_bytes.get();
    duration.add(row.duration);
    queue_wait.add(row.queue_wait);
  }
};

// Routes of one name are one: a metric may say each name once.
std::vector<RouteSums> sum_routes(const EdgeThreads& threads) {
  std::vector<RouteSums> sums;
  for (const auto& thread : threads) {
    const auto metrics = thread->metrics();
    for (size_t i = 0; i < metrics->size(); ++i) {
      const std::string& name = metrics->name(i);
      auto at = std::find_if(sums.begin(), sums.end(),
                             [&](const RouteSums& one) { return one.name == name; });
      if (at == sums.end()) {
        at = sums.emplace(sums.end());
        at->name = name;
      }
      at->add(metrics->row(i));
    }
  }
  return sums;
}

void write_counters(const EdgeShared& shared, const EdgeThreads& threads, Exposition& out) {
  for (const CounterRow& row : counter_rows) {
    out.metric(std::string("labcoat_") + row.name, is_gauge(row) ? Kind::gauge : Kind::counter,
               row.help);
    out.sample({}, sum(threads, row.counter));
  }
  out.metric(
      "labcoat_access_log_dropped", Kind::counter,
      "lines of the access log that were not written because its sink was slow, full or gone");
  out.sample({}, shared.request_log->dropped());
  out.metric("labcoat_access_log_reopen_failed", Kind::counter,
             "times that a log could not be opened (USR1, a changed configuration): what was open "
             "before is written on");
  out.sample({}, shared.request_log->open_failed());
}

void write_durations(const std::vector<RouteSums>& routes, Durations RouteSums::*which,
                     Exposition& out) {
  for (const RouteSums& route : routes) {
    const Durations& durations = route.*which;
    const Label label[] = {{"route", route.name}};
    out.histogram(label, DurationBuckets::bounds_us, durations.counts, durations.sum_us);
  }
}

void write_routes(const std::vector<RouteSums>& routes, Exposition& out) {
  out.metric("labcoat_route_requests", Kind::counter,
             "requests answered, by route and class of status");
  for (const RouteSums& route : routes) {
    for (size_t i = 0; i < route.answers.size(); ++i) {
      const Label labels[] = {{"route", route.name}, {"code", classes[i]}};
      out.sample(labels, route.answers[i]);
    }
  }
  out.metric("labcoat_route_body_bytes", Kind::counter, "bytes of response bodies, by route");
  for (const RouteSums& route : routes) {
    const Label label[] = {{"route", route.name}};
    out.sample(label, route.body_bytes);
  }
  out.metric("labcoat_request_duration_seconds", Kind::histogram,
             "from the first byte of a request to the last of its answer, by route");
  write_durations(routes, &RouteSums::duration, out);
  out.metric("labcoat_queue_wait_seconds", Kind::histogram,
             "how long requests waited for a worker, by route");
  write_durations(routes, &RouteSums::queue_wait, out);
}

struct AppState {
  u64 workers = 0, busy = 0;
};

AppState state_of(const channel::EdgeChannel& channel) {
  AppState state;
  const channel::Mapping& mapping = channel.mapping();
  for (u32 id = 0; id < mapping.shape().endpoints; ++id) {
    const channel::Endpoint& endpoint = mapping.endpoint(id);
    if (endpoint.pid.load(std::memory_order_relaxed) == 0) continue;
    ++state.workers;
    if (endpoint.started_ns.load(std::memory_order_relaxed) != 0) ++state.busy;
  }
  return state;
}

void write_memory(const EdgeShared& shared, Exposition& out) {
  const auto each = [&](std::string_view name, std::string_view help, auto MemoryCounts::*count) {
    out.metric(name, Kind::counter, help);
    for (size_t i = 0; i < shared.memory_counts.size(); ++i) {
      const Label label[] = {{"app", shared.config->apps[i].name}};
      out.sample(label, (*shared.memory_counts[i].*count).load(std::memory_order_relaxed));
    }
  };
  each("labcoat_app_drained_first",
       "workers that went before their successors, as memory.max had no room for both, by app",
       &MemoryCounts::drained_first);
  each("labcoat_app_recycled_for_cgroup",
       "workers that were replaced because memory.max was nearly reached, by app",
       &MemoryCounts::recycled_for_cgroup);
  each("labcoat_app_scale_ups_refused",
       "times that more workers were needed than memory.max had room for, by app",
       &MemoryCounts::scale_ups_refused);
}

void write_apps(const EdgeShared& shared, Exposition& out) {
  const auto each = [&](std::string_view name, std::string_view help, auto value) {
    out.metric(name, Kind::gauge, help);
    for (size_t i = 0; i < shared.channels.size(); ++i) {
      const Label label[] = {{"app", shared.config->apps[i].name}};
      out.sample(label, value(*shared.channels[i]));
    }
  };
  each("labcoat_app_workers", "threads of workers that take requests, by app",
       [](const channel::EdgeChannel& channel) { return state_of(channel).workers; });
  each("labcoat_app_workers_busy", "of those, how many have a request",
       [](const channel::EdgeChannel& channel) { return state_of(channel).busy; });
  each("labcoat_app_queue", "requests that wait for a worker, by app",
       [](const channel::EdgeChannel& channel) { return channel.queue_depth(); });
  const auto each_line = [&](std::string_view name, std::string_view help, auto value) {
    out.metric(name, Kind::gauge, help);
    for (size_t i = 0; i < shared.lines.size(); ++i) {
      const Label label[] = {{"app", shared.config->apps[i].name}};
      out.sample(label, static_cast<u64>(std::max<i64>(0, value(*shared.lines[i]))));
    }
  };
  each_line("labcoat_app_held",
            "requests that wait until max_concurrent of their route lets them, by app",
            [](const LineShare& line) { return line.held.load(std::memory_order_relaxed); });
  each_line("labcoat_app_body_bytes", "bytes in the bodies of requests that wait or run, by app",
            [](const LineShare& line) { return line.body_bytes.load(std::memory_order_relaxed); });
  write_memory(shared, out);
}

// `started` was written by a worker: any value is possible, none may overflow.
i64 running_us(i64 now, i64 started) {
  const u64 ns = static_cast<u64>(now) - static_cast<u64>(started);
  return std::max<i64>(0, static_cast<i64>(ns)) / us;
}

Json durations_json(const Durations& durations) {
  Json buckets = Json::array();
  for (size_t i = 0; i < bucket_count; ++i) {
    Json bound;  // null: longer than all
    if (i + 1 < bucket_count) bound = DurationBuckets::bounds_us[i];
    buckets.push_back({{"up_to_us", bound}, {"count", durations.counts[i]}});
  }
  return {{"count", durations.count()}, {"sum_us", durations.sum_us}, {"buckets", buckets}};
}

}  // namespace

std::string metrics_text(const EdgeShared& shared, const EdgeThreads& threads) {
  Exposition out;
  out.metric("labcoat_info", Kind::gauge, "always 1; the version is its label");
  const Label version[] = {{"version", LABCOAT_VERSION}};
  out.sample(version, 1);
  write_counters(shared, threads, out);
  write_routes(sum_routes(threads), out);
  if (!shared.channels.empty()) write_apps(shared, out);
  return out.take();
}

Json counters_json(const EdgeShared& shared, const EdgeThreads& threads) {
  Json counters;
  for (const CounterRow& row : counter_rows) counters[row.name] = sum(threads, row.counter);
  counters["access_log_dropped"] = shared.request_log->dropped();
  counters["access_log_reopen_failed"] = shared.request_log->open_failed();
  return counters;
}

Json routes_json(const EdgeThreads& threads) {
  Json rows = Json::array();
  for (const RouteSums& route : sum_routes(threads)) {
    Json row = {{"route", route.name},
                {"body_bytes", route.body_bytes},
                {"duration", durations_json(route.duration)},
                {"queue_wait", durations_json(route.queue_wait)}};
    for (size_t i = 0; i < route.answers.size(); ++i) {
      row["answers"][std::string(classes[i])] = route.answers[i];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Json app_json(const channel::EdgeChannel& channel, const LineShare& line) {
  Json rows = Json::array();
  const channel::Mapping& mapping = channel.mapping();
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
  return {{"queue", channel.queue_depth()},
          {"held", line.held.load(std::memory_order_relaxed)},
          {"body_bytes", line.body_bytes.load(std::memory_order_relaxed)},
          {"busy", state_of(channel).busy},
          {"recent", channel::recent_times(mapping, now)},
          {"workers", rows}};
}

}  // namespace labcoat::edge
