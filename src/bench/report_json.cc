// The JSON of schema labcoat.bench/1.
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/gate.h"
#include "bench/report.h"

namespace labcoat::bench {
namespace {

using Json = nlohmann::ordered_json;

// To a nanosecond: more digits would be the noise of a division.
double in_us(double ns) {
  return std::round(ns) / 1e3;
}

Json latency(const Histogram& histogram) {
  const bool empty = histogram.count() == 0;
  const auto quantile = [&](double p) -> Json {
    if (empty) return nullptr;
    return in_us(static_cast<double>(histogram.quantile_ns(p)));
  };
  Json out;
  out["min"] = empty ? Json() : Json(in_us(static_cast<double>(histogram.min_ns())));
  out["mean"] = empty ? Json() : Json(in_us(histogram.mean_ns()));
  out["p50"] = quantile(0.5);
  out["p75"] = quantile(0.75);
  out["p90"] = quantile(0.9);
  out["p95"] = quantile(0.95);
  out["p99"] = quantile(0.99);
  out["p999"] = histogram.count() < p999_answers_min ? Json() : quantile(0.999);
  out["max"] = empty ? Json() : Json(in_us(static_cast<double>(histogram.max_ns())));
  return out;
}

double rounded(double value, double per_unit) {
  return std::round(value * per_unit) / per_unit;
}

}  // namespace

std::string json_report(const Report& report) {
  const SliceResult& result = report.result;
  const bool open_loop = report.options.rate > 0;
  Json out;
  out["schema"] = "labcoat.bench/1";
  out["url"] = report.url;
  out["mode"] = open_loop ? "open" : "closed";
  out["connections"] = report.options.connections;
  out["threads"] = report.options.threads;
  out["duration_s"] = static_cast<double>(result.elapsed_ns) / 1e9;
  out["target_rate"] = open_loop ? Json(report.options.rate) : Json();
  out["requests"] = result.requests;
  out["responses"] = result.responses;
  out["rps"] = rounded(result.rps(), 1e3);
  out["bytes_in"] = result.bytes_in;
  out["bytes_out"] = result.bytes_out;
  for (size_t i = 2; i <= 5; ++i) {
    out["status"][std::to_string(i) + "xx"] = result.status[i];
  }
  for (size_t i = 0; i < error_kinds; ++i) out["errors"][error_names[i]] = result.errors[i];
  out["response_us"] = latency(result.response);
  out["service_us"] = latency(result.service);
  out["send_lag_us"] = latency(result.send_lag);
  out["connect_us"] = latency(result.connect);
  out["generator"]["cpu_share"] = rounded(result.cpu_share_max(), 1e4);
  out["generator"]["ceiling_rps"] =
      report.ceiling_rps ? Json(std::round(*report.ceiling_rps)) : Json();
  out["valid"] = report.invalid_reasons.empty();
  out["invalid_reasons"] = report.invalid_reasons;
  if (report.interrupted) out["interrupted"] = true;
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace labcoat::bench
