// What is kept of a request for the log and the metrics, and what is told when it is answered.
#include <algorithm>

#include "clients/client_limits.h"
#include "edge/edge_thread.h"
#include "edge/exchange.h"
#include "http/request_start.h"

namespace labcoat::edge {

void Exchange::note(const http::RequestHead& head) {
  head_request_ = head.method == "HEAD";
  minor_version_ = head.minor_version;
  noted_ = true;
  if (client_.trusted) forwarded_ = thread_.rules()->proxies.client_of(head, client_);
  if (logs::ThreadLog& log = thread_.log(); log.is_on()) notes_ = log.note(head);
}

// By the wall clock, for a proxy knows no other. Of several fields the last is by the proxy that is
// connected to us.
i64 Exchange::waited_in_proxies(const http::RequestHead& head) const {
  if (!client_.trusted) return 0;
  for (size_t i = head.field_count; i > 0; --i) {
    const http::Field& field = head.fields[i - 1];
    if (!http::same_name(field.name, "x-request-start")) continue;
    return http::waited_since(field.value, wall_ns() - (now_ns() - began_ns_));
  }
  return 0;
}

std::string_view Exchange::host(const http::RequestHead& head) const {
  return forwarded_ && !forwarded_->host.empty() ? std::string_view(forwarded_->host) : head.host;
}

// True: answered 429.
bool Exchange::is_over_rate(const http::RequestHead& head) {
  const clients::ClientLimits& limits = *rules_->rates;
  if (!limits.has_rate(route_)) return false;
  const clients::RateLimit::Verdict verdict =
      limits.take_token(head, client(), route_, thread_.now());
  if (verdict.evicted) thread_.count().limit_rate_buckets.add();
  if (verdict.wait_ns == 0) return false;
  thread_.count().limit_rate.add();
  const i64 wait_s = (verdict.wait_ns + seconds - 1) / seconds;
  answer(429, "429 Too Many Requests\n", "Retry-After: " + std::to_string(wait_s) + "\r\n");
  return true;
}

void Exchange::count_status(int status) {
  status_ = status;
  if (status < 200) return;  // it is counted as a WebSocket
  Counters& count = thread_.count();
  (status < 300   ? count.status_2xx
   : status < 400 ? count.status_3xx
   : status < 500 ? count.status_4xx
                  : count.status_5xx)
      .add();
}

std::string_view Exchange::protocol() const {
  if (!noted_) return {};
  if (client_.http2) return "HTTP/2.0";
  return minor_version_ == 0 ? "HTTP/1.0" : "HTTP/1.1";
}

// Once for each request that was begun and has a status.
void Exchange::account() {
  if (status_ == 0) return;
  const EdgeShared& shared = thread_.shared();
  const i64 now = now_ns();
  const i64 total_us = (now - began_ns_) / us;
  // How long a WebSocket lives says nothing of how fast its route is.
  if (!socket_) {
    RouteMetrics& metrics = thread_.count_route();
    // It may have begun by other rules.
    const bool old = route_ >= 0 && rules_ != thread_.rules();
    const i64 queue_us = worker_ < 0 ? -1 : (waited_before_ns_ + queue_wait_ns_) / us;
    metrics.count({.route = old ? metrics.route_named(rules_->router.name(route_)) : route_,
                   .status = status_,
                   .body_bytes = bytes_out_,
                   .total_us = total_us,
                   .queue_us = queue_us});
    if (enqueued_ns_ != 0) thread_.port(app_).count_times(now, total_us, queue_us);
  }
  // A request that began when nothing was logged has no line, unless it could not be read at all.
  if (logs::ThreadLog& log = thread_.log(); notes_ || (log.is_on() && !noted_)) {
    const bool by_app = enqueued_ns_ != 0;
    log.write({.client = client(),
               .now_ns = now,
               .status = status_,
               .body_bytes = bytes_out_,
               .queue_us = (waited_before_ns_ + queue_wait_ns_) / us,
               .service_us = service_ns_ / us,
               .total_us = total_us,
               .worker = worker_,
               .id = id_,
               .protocol = protocol(),
               .route = route_ < 0 ? std::string_view() : rules_->router.name(route_),
               .app = by_app ? std::string_view(shared.config->apps[app_].name) : ""},
              std::move(notes_));
  }
  status_ = 0;
  rule_ = nullptr;
  rules_.reset();
}

}  // namespace labcoat::edge
