#include "config/fields.h"

#include <algorithm>

#include "base/check.h"
#include "base/text.h"
#include "config/rate.h"
#include "config/settings.h"

namespace labcoat::config {
namespace {

template <class T>
T checked(const Result<T>& result) {
  CHECK(result.has_value());  // check_setting() came first
  return *result;
}

int whole(const CheckedValue& value) {
  return static_cast<int>(checked(parse_int(value.text)));
}
i64 bytes(const CheckedValue& value) {
  return checked(parse_size(value.text));
}
i64 duration(const CheckedValue& value) {
  return checked(parse_duration(value.text));
}
std::string text(const CheckedValue& value) {
  return std::string(value.text);
}

// "auto" and its multiples stay right when the same file moves to a machine with more CPUs.
int counted(const CheckedValue& value, int automatic) {
  if (value.text == "auto") return automatic;
  if (value.text == "auto/2") return std::max(1, automatic / 2);
  if (value.text == "auto*2") return automatic * 2;
  return whole(value);
}

// A Python worker computes on one CPU at a time, so one per CPU keeps all busy.
int workers_auto(int cpus) {
  return std::min(cpus, 512);
}
// An edge thread answers several times what four CPUs of Python can ask of it.
int edge_threads_auto(int cpus) {
  return std::clamp(cpus / 4, 1, 32);
}

// A name without a slash is looked up on PATH later.
std::string interpreter(const CheckedValue& value) {
  if (value.text.find('/') == value.text.npos) return text(value);
  return absolute_path(text(value), value.directory);
}

int redirect_port(const CheckedValue& value) {
  return value.text == "off" ? 0 : value.text == "on" ? -1 : whole(value);
}

std::string log_destination(const CheckedValue& value) {
  const bool is_file =
      value.text != "off" && value.text != "-" && value.text.find("://") == value.text.npos;
  return is_file ? absolute_path(text(value), value.directory) : text(value);
}

std::string control_path(const CheckedValue& value) {
  const bool is_path = !value.text.empty() && value.text != "off";
  return is_path ? absolute_path(text(value), value.directory) : text(value);
}

struct ServerField {
  const char* name;
  void (*set)(Config& config, const CheckedValue& value);
};

constexpr ServerField server_fields[] = {
    {"edge_threads",
     [](Config& c, const CheckedValue& v) {
       c.edge_threads = counted(v, edge_threads_auto(v.cpus));
     }},
    {"backlog", [](Config& c, const CheckedValue& v) { c.backlog = whole(v); }},
    {"file_cache_entries",
     [](Config& c, const CheckedValue& v) { c.file_cache_entries = whole(v); }},
    {"file_cache_bytes", [](Config& c, const CheckedValue& v) { c.file_cache_bytes = bytes(v); }},
    {"file_cache_valid",
     [](Config& c, const CheckedValue& v) { c.file_cache_valid_ns = duration(v); }},
    {"access_log", [](Config& c, const CheckedValue& v) { c.access_log = log_destination(v); }},
    {"unknown_host", [](Config& c, const CheckedValue& v) { c.unknown_host = whole(v); }},
    {"access_log_sync",
     [](Config& c, const CheckedValue& v) { c.access_log_sync = checked(parse_bool(v.text)); }},
    {"access_log_format", [](Config& c, const CheckedValue& v) { c.access_log_format = text(v); }},
    {"access_log_only", [](Config& c, const CheckedValue& v) { c.access_log_only = text(v); }},
    {"access_log_sample", [](Config& c, const CheckedValue& v) { c.access_log_sample = whole(v); }},
    {"slow_log", [](Config& c, const CheckedValue& v) { c.slow_log = log_destination(v); }},
    {"slow_log_threshold",
     [](Config& c, const CheckedValue& v) { c.slow_log_threshold_ns = duration(v); }},
    {"trusted_proxies", [](Config& c, const CheckedValue& v) { c.trusted_proxies = text(v); }},
    {"proxy_fields", [](Config& c, const CheckedValue& v) { c.proxy_fields = text(v); }},
    {"proxy_protocol", [](Config& c, const CheckedValue& v) { c.proxy_protocol = text(v); }},
    {"websocket_compression",
     [](Config& c, const CheckedValue& v) { c.websocket_compression = text(v); }},
    {"recycle_cgroup_share",
     [](Config& c, const CheckedValue& v) {
       c.recycle_cgroup_share = checked(parse_real(v.text));
     }},
    {"control", [](Config& c, const CheckedValue& v) { c.control = control_path(v); }},
    {"version_min", [](Config& c, const CheckedValue& v) { c.tls.version_min = text(v); }},
    {"client_certificates",
     [](Config& c, const CheckedValue& v) { c.tls.client_certificates = text(v); }},
    {"client_ca",
     [](Config& c, const CheckedValue& v) {
       c.tls.client_ca = v.text.empty() ? "" : absolute_path(text(v), v.directory);
     }},
    {"kernel_tls",
     [](Config& c, const CheckedValue& v) { c.tls.kernel = checked(parse_bool(v.text)); }},
    {"hsts", [](Config& c, const CheckedValue& v) { c.tls.hsts_ns = duration(v); }},
    {"hsts_subdomains",
     [](Config& c, const CheckedValue& v) { c.tls.hsts_subdomains = checked(parse_bool(v.text)); }},
    {"redirect_https",
     [](Config& c, const CheckedValue& v) { c.tls.redirect_port = redirect_port(v); }},
    {"request_target_bytes",
     [](Config& c, const CheckedValue& v) { c.limits.request_target_bytes = bytes(v); }},
    {"request_header_bytes",
     [](Config& c, const CheckedValue& v) { c.limits.request_header_bytes = bytes(v); }},
    {"request_fields",
     [](Config& c, const CheckedValue& v) { c.limits.request_fields = whole(v); }},
    {"request_body_bytes",
     [](Config& c, const CheckedValue& v) { c.limits.request_body_bytes = bytes(v); }},
    {"body_memory_bytes",
     [](Config& c, const CheckedValue& v) { c.limits.body_memory_bytes = bytes(v); }},
    {"connections", [](Config& c, const CheckedValue& v) { c.limits.connections = whole(v); }},
    {"queue", [](Config& c, const CheckedValue& v) { c.limits.queue = whole(v); }},
    {"websockets", [](Config& c, const CheckedValue& v) { c.limits.websockets = whole(v); }},
    {"websocket_message_bytes",
     [](Config& c, const CheckedValue& v) { c.limits.websocket_message_bytes = bytes(v); }},
    {"websocket_ping",
     [](Config& c, const CheckedValue& v) { c.limits.websocket_ping_ns = duration(v); }},
    {"websocket_pong_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.websocket_pong_timeout_ns = duration(v); }},
    {"websocket_close_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.websocket_close_timeout_ns = duration(v); }},
    {"websocket_retire_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.websocket_retire_timeout_ns = duration(v); }},
    {"queue_wait", [](Config& c, const CheckedValue& v) { c.limits.queue_wait_ns = duration(v); }},
    {"queue_bytes", [](Config& c, const CheckedValue& v) { c.limits.queue_bytes = bytes(v); }},
    {"shed_wait", [](Config& c, const CheckedValue& v) { c.limits.shed_wait_ns = duration(v); }},
    {"shed_interval",
     [](Config& c, const CheckedValue& v) { c.limits.shed_interval_ns = duration(v); }},
    {"header_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.header_timeout_ns = duration(v); }},
    {"body_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.body_timeout_ns = duration(v); }},
    {"idle_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.idle_timeout_ns = duration(v); }},
    {"write_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.write_timeout_ns = duration(v); }},
    {"drain_timeout",
     [](Config& c, const CheckedValue& v) { c.limits.drain_timeout_ns = duration(v); }},
    {"connections_per_address",
     [](Config& c, const CheckedValue& v) { c.limits.connections_per_address = whole(v); }},
    {"body_rate_min", [](Config& c, const CheckedValue& v) { c.limits.body_rate_min = bytes(v); }},
    {"write_rate_min",
     [](Config& c, const CheckedValue& v) { c.limits.write_rate_min = bytes(v); }},
    {"rate_limit",
     [](Config& c, const CheckedValue& v) {
       const Rate rate = checked(parse_rate(v.text));
       c.limits.rate_interval_ns = rate.interval_ns;
       c.limits.rate_per_second = rate.per_second;
     }},
    {"rate_burst", [](Config& c, const CheckedValue& v) { c.limits.rate_burst = whole(v); }},
    {"rate_key", [](Config& c, const CheckedValue& v) { c.limits.rate_key = text(v); }},
    {"rate_buckets", [](Config& c, const CheckedValue& v) { c.limits.rate_buckets = whole(v); }},
    {"response_buffer_bytes",
     [](Config& c, const CheckedValue& v) { c.limits.response_buffer_bytes = bytes(v); }},
    {"compressions", [](Config& c, const CheckedValue& v) { c.limits.compressions = whole(v); }},
    {"http2_streams", [](Config& c, const CheckedValue& v) { c.limits.http2_streams = whole(v); }},
    {"http2_resets", [](Config& c, const CheckedValue& v) { c.limits.http2_resets = whole(v); }},
    {"http2_control_frames",
     [](Config& c, const CheckedValue& v) { c.limits.http2_control_frames = whole(v); }},
};

struct AppField {
  const char* name;
  void (*set)(App& app, const CheckedValue& value);
};

constexpr AppField app_fields[] = {
    {"target", [](App& a, const CheckedValue& v) { a.target = text(v); }},
    {"directory",
     [](App& a, const CheckedValue& v) { a.directory = absolute_path(text(v), v.directory); }},
    {"python",
     [](App& a, const CheckedValue& v) {
       a.python = v.text.empty() ? "" : interpreter(v);
       a.python_source = v.text.empty() ? "" : v.where;
     }},
    {"user", [](App& a, const CheckedValue& v) { a.user = text(v); }},
    {"group", [](App& a, const CheckedValue& v) { a.group = text(v); }},
    {"pre_fork", [](App& a, const CheckedValue& v) { a.pre_fork = text(v); }},
    {"post_fork", [](App& a, const CheckedValue& v) { a.post_fork = text(v); }},
    {"warm_up", [](App& a, const CheckedValue& v) { a.warm_up = text(v); }},
    {"workers",
     [](App& a, const CheckedValue& v) { a.workers = counted(v, workers_auto(v.cpus)); }},
    {"workers_min", [](App& a, const CheckedValue& v) { a.workers_min = whole(v); }},
    {"workers_max", [](App& a, const CheckedValue& v) { a.workers_max = whole(v); }},
    {"scale_down", [](App& a, const CheckedValue& v) { a.scale_down_ns = duration(v); }},
    {"threads", [](App& a, const CheckedValue& v) { a.threads = whole(v); }},
    {"interface", [](App& a, const CheckedValue& v) { a.interface = text(v); }},
    {"loop", [](App& a, const CheckedValue& v) { a.loop = text(v); }},
    {"in_flight", [](App& a, const CheckedValue& v) { a.in_flight = whole(v); }},
    {"max_requests", [](App& a, const CheckedValue& v) { a.max_requests = whole(v); }},
    {"worker_age_max", [](App& a, const CheckedValue& v) { a.worker_age_max_ns = duration(v); }},
    {"worker_memory_max",
     [](App& a, const CheckedValue& v) { a.worker_memory_max_bytes = bytes(v); }},
    {"request_timeout", [](App& a, const CheckedValue& v) { a.request_timeout_ns = duration(v); }},
    {"gc", [](App& a, const CheckedValue& v) { a.gc = text(v); }},
    {"immortal_objects",
     [](App& a, const CheckedValue& v) { a.immortal_objects = checked(parse_bool(v.text)); }},
    {"allocator", [](App& a, const CheckedValue& v) { a.allocator = text(v); }},
    {"cpu_affinity", [](App& a, const CheckedValue& v) { a.cpu_affinity = text(v); }},
    {"switch_interval", [](App& a, const CheckedValue& v) { a.switch_interval_ns = duration(v); }},
    {"nice", [](App& a, const CheckedValue& v) { a.nice = whole(v); }},
    {"spin", [](App& a, const CheckedValue& v) { a.spin_ns = duration(v); }},
};

}  // namespace

bool set_server_field(Config& config, std::string_view name, const CheckedValue& value) {
  for (const ServerField& field : server_fields) {
    if (name != field.name) continue;
    field.set(config, value);
    return true;
  }
  return false;
}

bool set_app_field(App& app, std::string_view name, const CheckedValue& value) {
  for (const AppField& field : app_fields) {
    if (name != field.name) continue;
    field.set(app, value);
    return true;
  }
  return false;
}

}  // namespace labcoat::config
