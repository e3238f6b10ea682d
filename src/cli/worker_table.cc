#include "cli/worker_table.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/clock.h"
#include "base/text.h"

namespace labcoat {
namespace {

using Json = nlohmann::json;

std::string age(double age_s) {
  return format_duration(static_cast<i64>(age_s * 1e9));
}

std::string size(const Json& bytes) {
  const i64 count = bytes.get<i64>();
  return count < 0 ? "-" : format_size(count);
}

// "p50 1.2 ms  p90 3.1 ms  p99 12 ms".
std::string percentiles(const Json& times) {
  if (times.at("count").get<i64>() == 0) return "-";
  const auto of = [&](const char* name) { return format_duration(times.at(name).get<i64>() * us); };
  return fmt::format("p50 {}  p90 {}  p99 {}", of("p50"), of("p90"), of("p99"));
}

// The element of a list whose `key` is the same as that of `like`; nullptr: it is new.
const Json* find(const Json* list, const char* key, const Json& like) {
  if (list == nullptr) return nullptr;
  const auto found = std::find_if(list->begin(), list->end(),
                                  [&](const Json& one) { return one.at(key) == like.at(key); });
  return found == list->end() ? nullptr : &*found;
}

const Json* member(const Json* object, const char* name) {
  return object == nullptr ? nullptr : &object->at(name);
}

// Growth of a counter in a second; "-" when there is nothing to compare with.
std::string rate(const Json& now, const Json* before, const char* name, double elapsed_s,
                 double unit) {
  if (before == nullptr || elapsed_s <= 0) return "-";
  const double growth = now.at(name).get<double>() - before->at(name).get<double>();
  return fmt::format("{:.0f}", std::max(0.0, growth / elapsed_s / unit));
}

void add_line(std::string& page, std::string line, size_t columns) {
  if (columns != 0 && line.size() > columns) line.resize(columns);
  while (line.ends_with(' ')) line.pop_back();
  page += line;
  page += '\n';
}

std::string current(const Json& thread) {
  const Json& request = thread.at("request");
  if (request.is_null()) return "idle";
  return fmt::format("{:>8}  {} {}", format_duration(request.at("running_us").get<i64>() * us),
                     request.at("method").get<std::string>(),
                     request.at("target").get<std::string>());
}

class Page {
 public:
  Page(const Json& status, const Json* earlier, size_t columns)
      : status_(status), earlier_(earlier), columns_(columns) {
    if (earlier == nullptr) return;
    elapsed_s_ = (status.at("now_us").get<double>() - earlier->at("now_us").get<double>()) / 1e6;
  }

  std::string text() {
    head();
    for (const Json& app : status_.at("apps")) add_app(app);
    return std::move(page_);
  }

 private:
  void add(std::string line) { add_line(page_, std::move(line), columns_); }

  void head() {
    std::string urls;
    for (const Json& url : status_.at("listen")) urls += " " + url.get<std::string>();
    add(fmt::format("labcoat {}  pid {}  {}  up {} {}", status_.at("version").get<std::string>(),
                    status_.at("pid").get<int>(), status_.at("state").get<std::string>(),
                    age(status_.at("age_s")), urls));
    const Json& edge = status_.at("edge");
    if (edge.is_null()) {
      add("edge     none: it is being replaced");
    } else {
      add(fmt::format("edge     pid {}  up {}  {}", edge.at("pid").get<int>(),
                      age(edge.at("age_s")), size(edge.at("memory_bytes"))));
    }
    add_cgroup(status_.at("cgroup"));
  }

  void add_cgroup(const Json& cgroup) {
    if (cgroup.is_null()) return;
    const auto max = cgroup.at("max_bytes").get<double>();
    add(fmt::format("cgroup   {} of {} taken ({:.0f} % of {})", size(cgroup.at("used_bytes")),
                    size(cgroup.at("max_bytes")), 100 * cgroup.at("used_bytes").get<double>() / max,
                    cgroup.value("limit", "memory.max")));
  }

  void add_app(const Json& app) {
    const Json* before = find(member(earlier_, "apps"), "name", app);
    const Json& queue = app.at("queue");
    add("");
    add(fmt::format(
        "app {}  {} ({}, Python {})  {} of {} workers  {} waiting, the oldest for {}  {} "
        "requests{}",
        app.at("name").get<std::string>(), app.at("target").get<std::string>(),
        app.at("interface").get<std::string>(), app.at("python").get<std::string>(),
        app.at("workers").size(), app.at("workers_wanted").get<int>(),
        queue.at("waiting").get<int>(), format_duration(queue.at("oldest_wait_us").get<i64>() * us),
        app.at("requests").get<i64>(),
        before ? ", " + rate(app, before, "requests", elapsed_s_, 1) + " per second" : ""));
    const Json& recent = app.at("recent");
    add(fmt::format(
        "  last {:.0f} s: {} answered, response {}, queue wait {}",
        recent.at("window_s").get<double>(), recent.at("response_us").at("count").get<i64>(),
        percentiles(recent.at("response_us")), percentiles(recent.at("queue_wait_us"))));
    if (app.at("reloading").get<bool>()) add("  is being loaded again");
    if (const auto failure = app.at("reload_failure").get<std::string>(); !failure.empty()) {
      add("  the last reload failed: " + failure);
    }
    add(fmt::format("{:>8} {:>8} {:9} {:>8} {:>9} {:>10} {:>7} {:>5}  {}", "WORKER", "PID", "STATE",
                    "AGE", "MEMORY", "REQUESTS", "REQ/S", "BUSY", "NOW"));
    for (const Json& worker : app.at("workers")) {
      add_worker(worker, find(member(before, "workers"), "worker", worker));
    }
  }

  void add_worker(const Json& worker, const Json* before) {
    const Json& threads = worker.at("threads");
    const double threads_count = std::max<double>(1, static_cast<double>(threads.size()));
    // Microseconds a second are a ten-thousandth of a per cent.
    const std::string busy = rate(worker, before, "busy_us", elapsed_s_, 1e4 * threads_count);
    const std::string line = fmt::format(
        "{:>8} {:>8} {:9} {:>8} {:>9} {:>10} {:>7} {:>5}  ", worker.at("worker").get<int>(),
        worker.at("pid").get<int>(), worker.at("state").get<std::string>(), age(worker.at("age_s")),
        size(worker.at("memory_bytes")), worker.at("requests").get<i64>(),
        rate(worker, before, "requests", elapsed_s_, 1), before ? busy + "%" : busy);
    if (threads.size() == 1) {
      add(line + current(threads[0]));
      return;
    }
    const auto is_idle = [](const Json& thread) { return thread.at("request").is_null(); };
    const auto idle = std::count_if(threads.begin(), threads.end(), is_idle);
    add(line + fmt::format("{} of {} threads idle", idle, threads.size()));
    for (const Json& thread : threads) {
      if (!is_idle(thread)) add(std::string(line.size(), ' ') + current(thread));
    }
  }

  const Json& status_;
  const Json* earlier_;
  size_t columns_;
  double elapsed_s_ = 0;
  std::string page_;
};

}  // namespace

std::string worker_table(const Json& status, const Json* earlier, size_t columns) {
  return Page(status, earlier, columns).text();
}

}  // namespace labcoat
