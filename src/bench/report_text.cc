// The table for people.
#include <fmt/format.h>

#include "base/text.h"
#include "bench/gate.h"
#include "bench/report.h"

namespace labcoat::bench {
namespace {

// 1234567 as 1,234,567: counts are compared by eye.
std::string grouped(double value) {
  const std::string digits = fmt::format("{:.0f}", value);
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}
std::string grouped(u64 value) {
  return grouped(static_cast<double>(value));
}

class Text {
 public:
  Text(const Report& report, bool color) : report_(report), color_(color) {}

  std::string write() {
    head();
    rate();
    latencies();
    details();
    verdict();
    return std::move(out_);
  }

 private:
  template <class... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(out_), format, std::forward<Args>(args)...);
    out_ += '\n';
  }
  std::string paint(const char* code, const std::string& text) const {
    return color_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : text;
  }
  bool open_loop() const { return report_.options.rate > 0; }

  void head();
  void rate();
  void latencies();
  void latency_row(const char* name, i64 (*of)(const Histogram&));
  void details();
  void generator_line();
  void verdict();

  const Report& report_;
  const SliceResult& result_ = report_.result;
  bool color_;
  std::string out_;
};

std::string plural(int count, const char* word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

void Text::head() {
  const LoadOptions& options = report_.options;
  line("{}", paint("1", report_.url));
  const std::string mode = open_loop()
                               ? fmt::format("open loop at {} requests/s", grouped(options.rate))
                               : std::string("closed loop");
  const std::string warmup =
      report_.warmup_ns > 0 ? " after " + format_duration(report_.warmup_ns) + " of warm-up" : "";
  line("{}, {}, {}, {}{}", mode, plural(options.connections, "connection"),
       plural(options.threads, "thread"), format_duration(result_.elapsed_ns), warmup);
  if (report_.interrupted) {
    line("{}", paint("33", "interrupted: the figures are of the time until then"));
  }
  line("");
}

void Text::rate() {
  const u64 errors = result_.errors_total();
  line("  {:<12}{}", "requests/s", paint("1;36", grouped(result_.rps())));
  std::string answers = grouped(result_.responses);
  for (size_t i = 1; i < result_.status.size(); ++i) {
    if (result_.status[i] == 0) continue;
    const std::string part = fmt::format("{}xx {}", i, grouped(result_.status[i]));
    answers += "   " + (i >= 4 ? paint("33", part) : part);
  }
  line("  {:<12}{}", "answers", answers);
  std::string kinds = errors == 0 ? "none" : grouped(errors);
  for (size_t i = 0; i < error_kinds; ++i) {
    if (result_.errors[i] > 0)
      kinds += fmt::format("   {} {}", error_names[i], grouped(result_.errors[i]));
  }
  line("  {:<12}{}", "errors", errors == 0 ? kinds : paint("31", kinds));
  line("");
}

void Text::latency_row(const char* name, i64 (*of)(const Histogram&)) {
  const auto cell = [&](const Histogram& histogram) {
    return histogram.count() == 0 ? std::string("-") : format_duration(of(histogram));
  };
  line("  {:<8}{:>12}{:>12}", name, cell(result_.response), cell(result_.service));
}

void Text::latencies() {
  if (result_.response.count() == 0) return;
  line("  {:<8}{:>12}{:>12}", "latency", "response", "service");
  latency_row("min", [](const Histogram& h) { return h.min_ns(); });
  latency_row("mean", [](const Histogram& h) { return static_cast<i64>(h.mean_ns()); });
  latency_row("p50", [](const Histogram& h) { return h.quantile_ns(0.5); });
  latency_row("p75", [](const Histogram& h) { return h.quantile_ns(0.75); });
  latency_row("p90", [](const Histogram& h) { return h.quantile_ns(0.9); });
  latency_row("p95", [](const Histogram& h) { return h.quantile_ns(0.95); });
  latency_row("p99", [](const Histogram& h) { return h.quantile_ns(0.99); });
  if (result_.response.count() >= p999_answers_min) {
    latency_row("p99.9", [](const Histogram& h) { return h.quantile_ns(0.999); });
  }
  latency_row("max", [](const Histogram& h) { return h.max_ns(); });
  line("");
  line("{}", open_loop()
                 ? "  response counts from the planned send time, service from the actual one"
                 : "  closed loop: a slow answer also delays the next request, so stalls hide "
                   "here; -r RATE "
                   "shows what users see");
  line("");
}

void Text::details() {
  const double elapsed = static_cast<double>(result_.elapsed_ns) / 1e9;
  const auto per_second = [&](u64 bytes) {
    return elapsed <= 0
               ? std::string("-")
               : format_size(static_cast<i64>(static_cast<double>(bytes) / elapsed)) + "/s";
  };
  if (open_loop()) {
    line("  {:<12}p50 {}, p99 {}, max {}; {} found every connection busy", "send lag",
         format_duration(result_.send_lag.quantile_ns(0.5)),
         format_duration(result_.send_lag.quantile_ns(0.99)),
         format_duration(result_.send_lag.max_ns()), grouped(result_.waited));
  }
  if (result_.connect.count() > 0) {
    line("  {:<12}p50 {}, max {}; {} made, {} of them because the server had closed one", "connect",
         format_duration(result_.connect.quantile_ns(0.5)),
         format_duration(result_.connect.max_ns()), grouped(result_.connect.count()),
         grouped(result_.reconnects));
  }
  line("  {:<12}{} ({})", "received", format_size(static_cast<i64>(result_.bytes_in)),
       per_second(result_.bytes_in));
  line("  {:<12}{} ({})", "sent", format_size(static_cast<i64>(result_.bytes_out)),
       per_second(result_.bytes_out));
  generator_line();
  line("");
}

void Text::generator_line() {
  const double share = result_.cpu_share_max();
  std::string text = fmt::format("{:.0f} % of a CPU{}", share * 100,
                                 result_.threads.size() > 1 ? " (busiest thread)" : "");
  if (const double starved = result_.busy_share_max() - share; starved > 0.05) {
    text += fmt::format(", waited for one {:.0f} % of the time", starved * 100);
  }
  if (report_.ceiling_rps) {
    text += fmt::format("; could send {} requests/s at most", format_count(*report_.ceiling_rps));
  }
  line("  {:<12}{}", "generator", text);
}

void Text::verdict() {
  for (const std::string& gate : report_.gates) line("{}", gate);
  if (every_request_failed(result_)) {
    line("{}", paint("1;31", "FAILED: not one request was answered well"));
  } else if (result_.responses > 0 && result_.status[4] == result_.responses) {
    line("{}", paint("33", "every answer was a 4xx: is the URL right?"));
  }
  if (report_.invalid_reasons.empty()) {
    line("{}", paint("32", "valid"));
    return;
  }
  line("{}", paint("1;31", "INVALID: these figures are not the server's"));
  for (const std::string& reason : report_.invalid_reasons) line("  - {}", reason);
}

}  // namespace

bool every_request_failed(const SliceResult& result) {
  return result.requests > 0 && result.errors_total() + result.status[5] == result.requests;
}

std::string text_report(const Report& report, bool color) {
  return Text(report, color).write();
}

}  // namespace labcoat::bench
