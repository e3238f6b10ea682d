#include "bench/gate.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <vector>

#include "base/text.h"

namespace labcoat::bench {
namespace {

enum class Unit { time, count, share };

// nullopt: too little was measured to say.
using Value = std::optional<double>;

struct Metric {
  std::string_view name;
  Unit unit;
  Value (*of)(const SliceResult& result);
};

Value quantile(const Histogram& histogram, double p) {
  if (histogram.count() == 0 || (p > 0.99 && histogram.count() < p999_answers_min)) return {};
  return static_cast<double>(histogram.quantile_ns(p));
}

Value mean(const Histogram& histogram) {
  return histogram.count() == 0 ? Value() : histogram.mean_ns();
}

double count(u64 value) {
  return static_cast<double>(value);
}

Value share(u64 part, u64 whole) {
  return whole == 0 ? Value() : count(part) / count(whole);
}

using R = const SliceResult&;

constexpr Metric metrics[] = {
    {"rps", Unit::count, [](R r) -> Value { return r.rps(); }},
    {"requests", Unit::count, [](R r) -> Value { return count(r.requests); }},
    {"responses", Unit::count, [](R r) -> Value { return count(r.responses); }},
    {"errors", Unit::count, [](R r) -> Value { return count(r.errors_total()); }},
    {"error_share", Unit::share, [](R r) { return share(r.errors_total(), r.requests); }},
    {"status_4xx", Unit::count, [](R r) -> Value { return count(r.status[4]); }},
    {"status_5xx", Unit::count, [](R r) -> Value { return count(r.status[5]); }},
    {"failed_share", Unit::share,
     [](R r) { return share(r.errors_total() + r.status[4] + r.status[5], r.requests); }},
    {"min", Unit::time, [](R r) { return quantile(r.response, 0); }},
    {"mean", Unit::time, [](R r) { return mean(r.response); }},
    {"p50", Unit::time, [](R r) { return quantile(r.response, 0.5); }},
    {"p75", Unit::time, [](R r) { return quantile(r.response, 0.75); }},
    {"p90", Unit::time, [](R r) { return quantile(r.response, 0.9); }},
    {"p95", Unit::time, [](R r) { return quantile(r.response, 0.95); }},
    {"p99", Unit::time, [](R r) { return quantile(r.response, 0.99); }},
    {"p999", Unit::time, [](R r) { return quantile(r.response, 0.999); }},
    {"max", Unit::time,
     [](R r) {
       return r.response.count() == 0 ? Value() : Value(static_cast<double>(r.response.max_ns()));
     }},
    {"service_p50", Unit::time, [](R r) { return quantile(r.service, 0.5); }},
    {"service_p99", Unit::time, [](R r) { return quantile(r.service, 0.99); }},
    {"send_lag_p99", Unit::time, [](R r) { return quantile(r.send_lag, 0.99); }},
    {"connect_p99", Unit::time, [](R r) { return quantile(r.connect, 0.99); }},
    {"cpu_share", Unit::share, [](R r) -> Value { return r.cpu_share_max(); }},
};

std::vector<std::string_view> all_names() {
  std::vector<std::string_view> names;
  for (const Metric& metric : metrics) names.push_back(metric.name);
  return names;
}

Result<size_t> find_metric(std::string_view name) {
  for (size_t i = 0; i < std::size(metrics); ++i) {
    if (metrics[i].name == name) return i;
  }
  const std::string_view nearest = nearest_word(name, all_names());
  return fail(fmt::format("there is no metric '{}'{}", name,
                          nearest.empty() ? "; there are " + Gate::metric_names()
                                          : fmt::format("; did you mean '{}'?", nearest)));
}

// A time needs its unit: 'p99>50' could be seconds or milliseconds, and the wrong guess would never
// fail.
Result<double> parse_bound(const Metric& metric, std::string_view text) {
  if (metric.unit == Unit::time) {
    if (parse_real(text)) {
      return fail(
          fmt::format("{} is a time and needs a unit, such as {}{}ms", metric.name, ">", text));
    }
    const auto duration = parse_duration(text);
    if (!duration) return tl::unexpected<Error>(duration.error());
    return static_cast<double>(*duration);
  }
  return metric.unit == Unit::share ? parse_share(text) : parse_real(text);
}

std::string for_people(Unit unit, double value) {
  if (unit == Unit::time) return format_duration(static_cast<i64>(value));
  if (unit == Unit::share) return fmt::format("{:.3g} %", value * 100);
  return fmt::format("{:.0f}", value);
}

}  // namespace

std::string Gate::metric_names() {
  return fmt::format("{}", fmt::join(all_names(), ", "));
}

Result<Gate> Gate::parse(std::string_view expression) {
  const auto wrong = [&](const std::string& why) {
    return fail(fmt::format("--fail-if '{}': {}", expression, why));
  };
  const size_t at = expression.find_first_of("<>=!");
  if (at == expression.npos)
    return wrong("write a metric, an operator and a value, such as p99>50ms");
  const size_t value_at = std::min(expression.find_first_not_of("<>=!", at), expression.size());
  const std::string_view sign = expression.substr(at, value_at - at);
  const std::string_view value = trim(expression.substr(value_at));

  Gate gate;
  gate.expression_ = trim(expression);
  constexpr std::array<std::string_view, 4> signs = {">", ">=", "<", "<="};
  const auto* found = std::find(signs.begin(), signs.end(), sign);
  if (found == signs.end()) {
    return wrong(fmt::format("the operator is one of > >= < <=, not '{}'", sign));
  }
  gate.operator_ = static_cast<Operator>(found - signs.begin());
  const auto metric = find_metric(trim(expression.substr(0, at)));
  if (!metric) return wrong(metric.error().text);
  gate.metric_ = *metric;
  if (value.empty()) return wrong("there is no value behind the operator");
  const auto bound = parse_bound(metrics[*metric], value);
  if (!bound) return wrong(bound.error().text);
  gate.bound_ = *bound;
  return gate;
}

Gate::Outcome Gate::judge(const SliceResult& result) const {
  const Metric& metric = metrics[metric_];
  const Value value = metric.of(result);
  if (!value) {
    return {Verdict::cannot_tell, fmt::format("{} cannot be told: {} answers are too few for {}",
                                              expression_, result.response.count(), metric.name)};
  }
  const bool holds = operator_ == Operator::above      ? *value > bound_
                     : operator_ == Operator::at_least ? *value >= bound_
                     : operator_ == Operator::below    ? *value < bound_
                                                       : *value <= bound_;
  return {holds ? Verdict::holds : Verdict::does_not_hold,
          fmt::format("{} {}: {} is {}", expression_, holds ? "holds" : "does not hold",
                      metric.name, for_people(metric.unit, *value))};
}

}  // namespace labcoat::bench
