#include "bench/validity.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/text.h"

namespace labcoat::bench {
namespace {

using Reasons = std::vector<std::string>;

void judge_machine(const SliceResult& result, Reasons& reasons) {
  if (result.out_of_ports) {
    reasons.push_back(
        "this machine ran out of local ports: the server closes each connection, and a closed one "
        "holds its port for a "
        "minute; use fewer requests, or a server that keeps connections open");
  }
  if (result.out_of_files) {
    reasons.push_back(
        "this process ran out of file descriptors; use fewer connections (-c) or raise 'ulimit "
        "-n'");
  }
  if (result.requests == 0) {
    reasons.push_back(
        "no request was answered and none failed: the run was too short to say anything");
  }
}

void judge_open_loop(const SliceResult& result, Reasons& reasons) {
  const double median = static_cast<double>(result.response.quantile_ns(0.5));
  const i64 allowed = std::max(lag_floor_ns, static_cast<i64>(median * lag_share_of_median));
  const i64 lag = result.own_lag.quantile_ns(0.99);
  if (lag > allowed) {
    reasons.push_back(fmt::format(
        "the generator sent late by its own fault: its lag p99 is {}, allowed is {} (1 ms or a "
        "tenth of the "
        "median); keep other work off its CPU, use more threads (-t), or lower the rate",
        format_duration(lag), format_duration(allowed)));
  }
  if (const double share = result.cpu_share_max(); share > cpu_share_max_open) {
    reasons.push_back(
        fmt::format("a generator thread used {:.0f} % of a CPU, allowed is {:.0f} %; use more "
                    "threads (-t) or a lower rate (-r)",
                    share * 100, cpu_share_max_open * 100));
  }
  const double late =
      static_cast<double>(result.late) / std::max<double>(1, static_cast<double>(result.requests));
  if (late > late_share_max) {
    reasons.push_back(fmt::format(
        "the generator did not keep up with its plan: {:.1f} % of the requests were still unsent "
        "at the end although "
        "connections were free, allowed is {:.0f} %; lower the rate or use more threads (-t)",
        late * 100, late_share_max * 100));
  }
}

void judge_closed_loop(const SliceResult& result, std::optional<double> ceiling_rps,
                       Reasons& reasons) {
  if (const double share = result.busy_share_max(); share > cpu_share_max_closed) {
    reasons.push_back(
        fmt::format("a generator thread was busy {:.0f} % of the time and never waited for the "
                    "server, so the rate is the "
                    "generator's own; use more threads (-t), on cores that the server does not use",
                    std::min(share, 1.0) * 100));
  }
  if (ceiling_rps && *ceiling_rps > 0 && result.rps() > ceiling_share_max * *ceiling_rps) {
    reasons.push_back(
        fmt::format("{} requests/s is {:.0f} % of the {} that this generator can send at most, "
                    "allowed is {:.0f} %; use more "
                    "threads (-t), on cores that the server does not use",
                    format_count(result.rps()), result.rps() / *ceiling_rps * 100,
                    format_count(*ceiling_rps), ceiling_share_max * 100));
  }
}

}  // namespace

Reasons invalid_reasons(const LoadOptions& options, const SliceResult& result,
                        std::optional<double> ceiling_rps) {
  Reasons reasons;
  judge_machine(result, reasons);
  if (options.rate > 0) {
    judge_open_loop(result, reasons);
  } else {
    judge_closed_loop(result, ceiling_rps, reasons);
  }
  return reasons;
}

}  // namespace labcoat::bench
