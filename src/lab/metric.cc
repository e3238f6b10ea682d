#include "lab/metric.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"

namespace labcoat {
namespace {

using Kind = Metric::Kind;

constexpr Metric metrics[] = {
    {Kind::rps, "rps", "1/s", true},
    {Kind::p50, "p50", "us", false},
    {Kind::p90, "p90", "us", false},
    {Kind::p95, "p95", "us", false},
    {Kind::p99, "p99", "us", false},
    {Kind::mean, "mean", "us", false},
    {Kind::cpu_per_request, "cpu_per_request", "us", false},
    {Kind::errors, "errors", "", false},
    {Kind::memory, "memory", "bytes", false},
};

double in_us(i64 ns) {
  return static_cast<double>(ns) / us;
}

// "50ms", "0.1%", "64MiB", "1000" in the metric's unit.
Result<double> parse_limit(const Metric& metric, std::string_view text) {
  if (std::string_view(metric.unit) == "us") {
    auto duration = parse_duration(text);
    if (!duration) return tl::unexpected(duration.error());
    return in_us(*duration);
  }
  if (metric.kind == Kind::errors) return parse_share(text);
  if (metric.kind == Kind::memory) {
    auto size = parse_size(text);
    if (!size) return tl::unexpected(size.error());
    return static_cast<double>(*size);
  }
  return parse_real(text);
}

}  // namespace

LatencySummary LatencySummary::of(const Histogram& histogram) {
  LatencySummary out;
  out.count = histogram.count();
  out.mean = histogram.mean_ns() / us;
  out.p50 = in_us(histogram.quantile_ns(0.50));
  out.p90 = in_us(histogram.quantile_ns(0.90));
  out.p95 = in_us(histogram.quantile_ns(0.95));
  out.p99 = in_us(histogram.quantile_ns(0.99));
  return out;
}

void LatencySummary::merge(const LatencySummary& later) {
  if (later.count == 0) return;
  const double weight = static_cast<double>(later.count) / static_cast<double>(count + later.count);
  for (double LatencySummary::*value :
       {&LatencySummary::mean, &LatencySummary::p50, &LatencySummary::p90, &LatencySummary::p95,
        &LatencySummary::p99}) {
    this->*value += weight * (later.*value - this->*value);
  }
  count += later.count;
}

void ArmSample::merge(const ArmSample& later) {
  ok += later.ok;
  errors += later.errors;
  busy_ns += later.busy_ns;
  cpu_ns += later.cpu_ns;
  memory_bytes = std::max(memory_bytes, later.memory_bytes);
  latency.merge(later.latency);
  generator_share = std::max(generator_share, later.generator_share);
  if (later.reported) reported = (reported.value_or(*later.reported) + *later.reported) / 2;
}

double ArmSample::error_share() const {
  const u64 all = ok + errors;
  return all == 0 ? 0 : static_cast<double>(errors) / static_cast<double>(all);
}

Result<Metric> find_metric(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Metric& metric : metrics) {
    if (name == metric.name) return metric;
    names.emplace_back(metric.name);
  }
  const std::string_view nearest = nearest_word(name, names);
  return fail(fmt::format("there is no metric '{}'{}; known are {}", name,
                          nearest.empty() ? "" : fmt::format("; did you mean '{}'?", nearest),
                          fmt::join(names, ", ")));
}

std::optional<double> metric_value(const Metric& metric, const ArmSample& sample) {
  if (metric.kind == Kind::errors) return sample.error_share();
  if (metric.kind == Kind::memory) {
    if (sample.memory_bytes == 0) return std::nullopt;
    return static_cast<double>(sample.memory_bytes);
  }
  if (metric.kind == Kind::rps && sample.reported) return *sample.reported;
  if (sample.ok == 0 || sample.busy_ns <= 0) return std::nullopt;
  const double answers = static_cast<double>(sample.ok);
  switch (metric.kind) {
    case Kind::rps:
      return answers / (static_cast<double>(sample.busy_ns) / seconds);
    case Kind::p50:
      return sample.latency.p50;
    case Kind::p90:
      return sample.latency.p90;
    case Kind::p95:
      return sample.latency.p95;
    case Kind::p99:
      return sample.latency.p99;
    case Kind::mean:
      return sample.latency.mean;
    case Kind::cpu_per_request:
      if (sample.cpu_ns <= 0) return std::nullopt;
      return in_us(sample.cpu_ns) / answers;
    default:
      return std::nullopt;
  }
}

std::string format_metric(const Metric& metric, double value) {
  if (metric.kind == Kind::errors) return fmt::format("{:.2f} %", value * 100);
  if (metric.kind == Kind::memory) return format_size(static_cast<i64>(value));
  if (metric.kind == Kind::rps) return fmt::format("{:.{}f} /s", value, value < 100 ? 1 : 0);
  return format_duration(static_cast<i64>(value * us));
}

Result<Guard> parse_guard(std::string_view text) {
  using Relation = Guard::Relation;
  constexpr std::pair<std::string_view, Relation> relations[] = {{"<=", Relation::less_or_equal},
                                                                 {">=", Relation::more_or_equal},
                                                                 {"==", Relation::equal},
                                                                 {"<", Relation::less},
                                                                 {">", Relation::more}};
  const size_t sign = text.find_first_of("<>=");
  const auto* relation =
      sign == std::string_view::npos
          ? std::end(relations)
          : std::find_if(std::begin(relations), std::end(relations),
                         [&](const auto& one) { return text.substr(sign).starts_with(one.first); });
  if (relation == std::end(relations)) {
    return fail(fmt::format("'{}' is no guard: expected METRIC<LIMIT, such as p99<50ms", text));
  }
  Guard guard;
  guard.text = std::string(text);
  guard.relation = relation->second;
  auto metric = find_metric(trim(text.substr(0, sign)));
  if (!metric) return tl::unexpected(metric.error());
  guard.metric = *metric;
  auto limit = parse_limit(guard.metric, trim(text.substr(sign + relation->first.size())));
  if (!limit) return fail(fmt::format("guard '{}': {}", text, limit.error().text));
  guard.limit = *limit;
  return guard;
}

bool guard_holds(const Guard& guard, const ArmSample& sample) {
  using Relation = Guard::Relation;
  const std::optional<double> value = metric_value(guard.metric, sample);
  if (!value) return true;
  switch (guard.relation) {
    case Relation::less:
      return *value < guard.limit;
    case Relation::less_or_equal:
      return *value <= guard.limit;
    case Relation::more:
      return *value > guard.limit;
    case Relation::more_or_equal:
      return *value >= guard.limit;
    case Relation::equal:
      return *value == guard.limit;
  }
  return true;
}

}  // namespace labcoat
